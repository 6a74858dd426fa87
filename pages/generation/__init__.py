"""Page Generation: the visitor's branch tree, the component that draws it, strategy and stop controls."""

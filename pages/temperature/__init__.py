"""Page Temperature and sampling: the live component, its figure, many users, export."""

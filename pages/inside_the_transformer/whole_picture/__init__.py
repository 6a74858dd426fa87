"""The view "The whole picture": all cells of a Transformer on one text, and what can be changed in it."""

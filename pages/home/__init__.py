"""Page Home: the path from text to the next token."""

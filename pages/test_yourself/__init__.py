"""Page Test yourself: ten questions and Shannon's game."""

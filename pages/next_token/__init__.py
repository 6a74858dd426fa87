"""Page Next token: word search, two prompts side by side, advice, the article's table."""

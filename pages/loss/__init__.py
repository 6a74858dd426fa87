"""Page Loss and perplexity: four views and their figure."""

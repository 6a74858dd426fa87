"""Page Training: the recipe, the player of a run, its chart, comparison of runs, export."""

"""Page Bigram counts: the corpus, the grid of counts, its figure and export."""

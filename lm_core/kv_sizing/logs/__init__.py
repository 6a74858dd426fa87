"""Start logs of engines: what they print, and whether sizing prints the same."""

"""A model's shape from a file: config.json or the header of a GGUF."""

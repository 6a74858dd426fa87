"""Page KV cache: a measured run with and without the cache."""

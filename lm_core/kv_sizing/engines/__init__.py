"""How each engine allocates a cache, and what it makes of a model before it does."""

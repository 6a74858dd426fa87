"""Page KV cache calculator: parameters, a model's import, the answer, capacity, scenarios, export."""

"""Controls that several pages show: the prompt, the model, sampling settings, examples."""

"""Page Inside the Transformer: five views and their figure."""

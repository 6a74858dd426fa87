"""What a class, hostile visitors and bad days do to the running server."""

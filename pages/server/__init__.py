"""The process: the ASGI application, its limits, training runs; and the commands of an operator."""

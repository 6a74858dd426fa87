"""What fits on which GPUs: their memory and bandwidth, layouts over several, the largest context and batch."""

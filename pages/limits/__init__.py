"""Page Limits: six views, each of one limit."""

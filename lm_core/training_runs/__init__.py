"""Training in processes of their own, so that the server keeps answering.

The `scheduler` gives runs their turns; a `worker_process` starts a `worker`, which trains several. A `run_folder` holds
what a run has written, its `run_lock` lets one server at a time train it, and `disk_quota` removes the runs unused for
longest. `checkpoint_replay` shows a run as it was at any step.
"""

"""What a class, hostile visitors and bad days do to the running server.

`make test` takes a short version; `make soak` the whole: more cases, more visitors, more kills.
"""

import os

LONG = "SOAK" in os.environ


def cases(short: int, long: int) -> int:
    """How many of something are tried."""
    return long if LONG else short

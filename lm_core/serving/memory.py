"""The resident memory of this process, and whether it exceeds its limit."""

import psutil

from lm_core.errors import Busy
from lm_core.serving import limits


def resident() -> int:
    """Bytes of memory this process holds, as the system counts them.

    >>> resident() > 2**20
    True
    """
    return int(psutil.Process().memory_info().rss)


def require_memory() -> None:
    """Raises Busy where the server holds more than `limits.MEMORY`: what would need more comes later."""
    if resident() > limits.MEMORY:
        raise Busy("The server's memory is short.")

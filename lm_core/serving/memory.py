"""The resident memory of this process, and whether it exceeds its limit."""

from pathlib import Path

from lm_core.errors import Busy
from lm_core.serving import limits


def resident() -> int:
    """Bytes held in memory; 0 where the system does not tell.

    >>> resident() == 0 or resident() > 2**20
    True
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()


def require_memory() -> None:
    """Raises Busy where the server holds more than `limits.MEMORY`: what would need more comes later."""
    if resident() > limits.MEMORY:
        raise Busy("The server's memory is short.")

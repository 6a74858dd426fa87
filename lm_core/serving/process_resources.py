"""Memory and file descriptors of this process, and whether they suffice."""

import contextlib
import sys

import psutil

from lm_core.errors import Busy
from lm_core.serving import limits

RESERVE = 64
"""Descriptors that are left to those who are here already: a visitor takes four, a download or an upload one more."""
_ENOUGH = 65_536
"""Descriptors are raised no further: some systems allow a billion, and some programs go through them one by one."""


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


def descriptor_limit() -> int:
    """Files and connections that this process may have open at once, as the system allows it now.

    >>> descriptor_limit() > 0
    True
    """
    if sys.platform == "win32":
        return _ENOUGH  # its limit is memory
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else int(soft)


def free_descriptors() -> int:
    """How many more it may open."""
    used = psutil.Process().num_handles() if sys.platform == "win32" else psutil.Process().num_fds()
    return descriptor_limit() - int(used)


def raise_descriptor_limit() -> int:
    """Asks the system for as many descriptors as this user may have; returns how many there are now."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(ValueError, OSError):  # macOS says infinity and allows less
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()

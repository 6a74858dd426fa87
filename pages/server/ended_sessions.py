"""Closes what a session held when it ends, instead of whenever garbage is next collected.

Streamlit keeps a visitor who dropped out for a while, and then forgets the session without ending it: its event loop
keeps three file descriptors until a full collection, which a large process rarely makes. A wave of visitors after the
other locked the next one out.
"""

from __future__ import annotations

import asyncio
from typing import Any

from streamlit.runtime.caching.ttl_cleanup_cache import TTLCleanupCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo

from lm_core.serving import faults

EVERY = 5.0
"""Seconds between two looks at who has been away for too long."""
_kept: list[TTLCleanupCache[str, SessionInfo]] = []


def end_the_forgotten() -> None:
    """Lets sessions that Streamlit forgets be ended too. Called once, while the server starts."""
    begun = MemorySessionStorage.__init__
    if hasattr(begun, "of_streamlit"):
        return

    def begin(self: MemorySessionStorage, *settings: Any, **more: Any) -> None:
        begun(self, *settings, **more)
        of_streamlit: Any = self._cache
        most, seconds, timer = of_streamlit.maxsize, of_streamlit.ttl, of_streamlit.timer
        self._cache = TTLCleanupCache(most, seconds, timer, lambda info: info.session.shutdown())
        _kept.append(self._cache)

    begin.of_streamlit = begun  # type: ignore[attr-defined]
    MemorySessionStorage.__init__ = begin  # type: ignore[method-assign]


async def watch() -> None:
    """Looks for sessions to end, on the event loop that they belong to, for as long as the server runs."""
    while True:
        await asyncio.sleep(EVERY)
        for cache in _kept:
            try:
                cache.expire()
            except Exception as error:  # one session that cannot end must not keep the others
                faults.note("the end of sessions", error)

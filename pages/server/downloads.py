"""Keeps what a download button offers, and the file a click made, until the browser has had time to come for it.

Streamlit gives a button a new offer in every run, forgets the one before when any visitor's run ends, and removes a
file when two runs have ended: in a class that types, before the browser of whoever clicked comes. The click was lost.
"""

import time
from typing import Any

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind

KEPT = 30.0
"""Seconds after which nobody comes any more."""


def keep_for_a_while() -> None:
    """Lets offers and files outlive their last reference. Called once, while the server starts."""
    inactive = MediaFileManager._get_inactive_file_ids
    if hasattr(inactive, "of_streamlit"):
        return

    def inactive_for_long(self: MediaFileManager) -> set[str]:
        now, found = time.monotonic(), set()
        for file_id in inactive(self):
            file = self._file_metadata[file_id]
            since = file.__dict__.setdefault("unused_since", now)
            if file.kind is not MediaFileKind.DOWNLOADABLE or now - since > KEPT:
                found.add(file_id)
        return found

    def remove_old_offers(self: MediaFileManager) -> None:
        now = time.monotonic()
        named = {file_id for files in self._files_by_session_and_coord.values() for file_id in files.values()}
        for file_id, offer in list(self._deferred_callables.items()):
            kept: dict[str, Any] = offer  # type: ignore[assignment]
            if file_id in named:
                kept.pop("unused_since", None)
            elif now - kept.setdefault("unused_since", now) > KEPT:
                self._drop_deferred_id(file_id)

    inactive_for_long.of_streamlit = inactive  # type: ignore[attr-defined]
    remove_old_offers.of_streamlit = MediaFileManager._remove_orphaned_deferred_callables  # type: ignore[attr-defined]
    MediaFileManager._get_inactive_file_ids = inactive_for_long  # type: ignore[method-assign]
    MediaFileManager._remove_orphaned_deferred_callables = remove_old_offers  # type: ignore[method-assign]

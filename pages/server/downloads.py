"""Keeps a file that was made for a download until the browser has fetched it.

Streamlit makes it at the click, refers to it nowhere, and removes it when two runs have ended, whoever's they are: in a
class that types, before the browser comes for it. The click was lost.
"""

import time

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind

KEPT = 30.0
"""Seconds after which nobody comes any more."""


def keep_for_a_while() -> None:
    """Lets files for downloads outlive their last reference. Called once, while the server starts."""
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

    inactive_for_long.of_streamlit = inactive  # type: ignore[attr-defined]
    MediaFileManager._get_inactive_file_ids = inactive_for_long  # type: ignore[method-assign]

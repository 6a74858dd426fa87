"""A file for a download is there when the browser comes for it: Streamlit's own manager of files."""

import pytest
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.server import downloads


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MediaFileManager:
    original = MediaFileManager._get_inactive_file_ids
    monkeypatch.setattr(MediaFileManager, "_get_inactive_file_ids", getattr(original, "of_streamlit", original))
    forgets = MediaFileManager._remove_orphaned_deferred_callables
    monkeypatch.setattr(
        MediaFileManager, "_remove_orphaned_deferred_callables", getattr(forgets, "of_streamlit", forgets)
    )
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: "visitor")
    return MediaFileManager(MemoryMediaFileStorage("/media"))


def click(manager: MediaFileManager) -> str:
    """What a click on a button gets: the name of the file."""
    made = manager.add_deferred(lambda: b"a,b", "text/csv", "1.0", "steps.csv")
    return manager.execute_deferred(made).rpartition("/")[2].partition(".")[0]


def runs_end(manager: MediaFileManager, times: int = 2) -> None:
    for _ in range(times):
        manager.remove_orphaned_files()


def test_two_runs_that_end_before_the_browser_comes_take_nothing_away(
    manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = click(manager)
    runs_end(manager)
    assert lost not in manager._file_metadata  # as Streamlit does it
    downloads.keep_for_a_while()
    downloads.keep_for_a_while()  # once is enough, twice no harm
    file = click(manager)
    runs_end(manager, 9)
    assert file in manager._file_metadata
    now = downloads.time.monotonic()
    monkeypatch.setattr(downloads.time, "monotonic", lambda: now + downloads.KEPT + 1)
    runs_end(manager)
    assert file not in manager._file_metadata


def offer(manager: MediaFileManager) -> str:
    """What a run gives a button; the one before is no longer named by anybody."""
    manager.clear_session_refs("visitor")
    return manager.add_deferred(lambda: b"a,b", "text/csv", "1.0", "steps.csv")


def test_a_click_on_what_the_next_run_replaced_is_not_lost(
    manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = offer(manager)
    offer(manager)
    runs_end(manager)
    with pytest.raises(MediaFileStorageError, match="not found"):  # as Streamlit does it
        manager.execute_deferred(lost)
    downloads.keep_for_a_while()
    before, now = offer(manager), offer(manager)
    runs_end(manager, 3)
    assert manager.execute_deferred(before)
    later = downloads.time.monotonic() + downloads.KEPT + 1
    monkeypatch.setattr(downloads.time, "monotonic", lambda: later)
    runs_end(manager)
    assert before not in manager._deferred_callables
    assert now in manager._deferred_callables

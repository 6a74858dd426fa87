"""Resident memory: as the system counts it, on any system, and the limit that refuses."""

from pathlib import Path

import psutil
import pytest

from lm_core.errors import Busy
from lm_core.serving import limits, process_resources


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system tells it elsewhere")
def test_it_is_what_the_system_counts() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert process_resources.resident() == pytest.approx(pages * 4096, rel=0.1)


def test_what_is_over_the_limit_is_refused_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library alone answers, as it does on macOS and Windows."""

    class Elsewhere:
        def memory_info(self) -> object:
            return type("Info", (), {"rss": 1000})

    monkeypatch.setattr(psutil, "Process", Elsewhere)
    monkeypatch.setattr(limits, "MEMORY", 1000)
    process_resources.require_memory()
    monkeypatch.setattr(limits, "MEMORY", 999)
    with pytest.raises(Busy, match="memory is short"):
        process_resources.require_memory()

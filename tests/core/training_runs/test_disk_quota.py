"""Room for training runs: which are removed, in which order, and which never."""

import os
from pathlib import Path

import pytest

from lm_core.serving import limits
from lm_core.training_runs.disk_quota import DiskQuota


def runs(root: Path, ages: dict[str, float]) -> None:
    """Runs of 100 bytes, last used so many seconds ago."""
    for name, age in ages.items():
        run = root / name
        run.mkdir()
        (run / "records.bin").write_bytes(bytes(100))
        os.utime(run, (run.stat().st_mtime - age,) * 2)


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


@pytest.mark.parametrize(
    ("room", "stay"), [(300, ["new", "old", "older"]), (299, ["new", "old"]), (199, ["new"]), (99, [])]
)
def test_the_one_unused_for_longest_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, stay: list[str]
) -> None:
    monkeypatch.setattr(limits, "TRAINING_DISK", room)
    runs(tmp_path, {"old": 50, "older": 500, "new": 5})
    DiskQuota(tmp_path, 90.0).make_room("another", lambda name: False)
    assert left(tmp_path) == stay


def test_what_is_kept_or_watched_here_or_elsewhere_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRAINING_DISK", 0)
    runs(tmp_path, {"kept": 9, "watched": 8, "elsewhere": 7, "nobodys": 6})
    DiskQuota(tmp_path, 90.0).sign(tmp_path / "elsewhere")
    DiskQuota(tmp_path, 90.0).make_room("kept", lambda name: name == "watched")
    assert left(tmp_path) == ["elsewhere", "kept", "watched"]

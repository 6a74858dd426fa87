"""The run lock between processes: one holds it, and it is free again however that one ends."""

import subprocess
import sys
from pathlib import Path

from lm_core.training_runs.run_lock import RunLock

HOLD = """
import sys, time
from pathlib import Path
from lm_core.training_runs.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
time.sleep(60)
"""


def test_another_process_has_it_until_it_is_killed(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    mine = RunLock(tmp_path)
    assert (mine.take(), mine.held) == (False, False)
    other.kill()
    other.wait()
    assert (mine.take(), mine.take(), mine.held) == (True, True, True)
    mine.release()
    assert not mine.held
    assert RunLock(tmp_path).take()

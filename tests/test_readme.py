"""The README does what it says: its code runs and prints what it shows, its commands and files exist."""

import re
import subprocess
import sys
from pathlib import Path

from lm_core import pretrained

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_first_code_prints_what_stands_below_it() -> None:
    code = next(body for language, body in BLOCKS if language == "python")
    shown = BLOCKS[BLOCKS.index(("python", code)) + 1][1]
    assert len(code.strip().splitlines()) == 6
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert run.stdout == shown


def test_the_two_commands_stand_within_the_first_20_lines() -> None:
    top = "\n".join(TEXT.splitlines()[:20])
    assert "make run" in top
    assert "make test" in top


def test_every_command_names_what_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", TEXT):
        if target not in ("for",):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    (entry,) = pretrained.catalogue()
    assert entry.install.removeprefix("pip ") in TEXT
    assert entry.install.removeprefix("pip install ") in makefile


def test_every_path_it_names_exists_and_the_reading_list_is_complete() -> None:
    for path in re.findall(r"`((?:lm_core|pages|assets|\.streamlit|app\.py)[\w./-]*)`", TEXT):
        assert (ROOT / path).exists() or path == "pages/20_mine.py", path
    listed = set(re.findall(r"^\d+\. `lm_core/([\w.]+)/?`", TEXT, flags=re.MULTILINE))
    own = {path.name for path in (ROOT / "lm_core").iterdir() if not path.name.startswith("__")}
    assert listed == own

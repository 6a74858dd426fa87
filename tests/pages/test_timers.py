"""How long the product waits: the real values, which tests elsewhere shorten."""

import re

from pages.shared import components, url_state

OWN = components.FOLDER / "shared" / "timers.js"


def test_they_are_what_people_get() -> None:
    assert (url_state.STALE, url_state.QUIET) == (3.0, 2.0)
    found = re.findall(r"^  (\w+): ([\d_]+), // ", OWN.read_text(encoding="utf-8"), re.M)
    assert {name: int(value) for name, value in found} == {
        "left": 5_000, "lost": 5_000, "listen": 250, "blur": 200, "idle": 2_000, "settle": 400, "rest": 120,
        "tick": 350, "resend": 8_000, "unsure": 30_000, "scene": 1_000, "look": 25, "transition": 3_500,
        "download": 10_000,
    }  # fmt: skip


def test_every_timer_is_used_and_no_component_has_one_of_its_own() -> None:
    scripts = {file.name: file.read_text(encoding="utf-8") for file in components.FOLDER.rglob("*.js")}
    known = set(re.findall(r"^  (\w+): ", OWN.read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"\btimers\.(\w+)", "".join(scripts.values()))) - {"js"} == known
    own = re.compile(r"set(Timeout|Interval)\(.*, [\d_]+\)")
    assert [name for name, text in scripts.items() if own.search(text)] == []

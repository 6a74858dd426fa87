"""How long the product waits: the real values, which tests elsewhere shorten, and how a browser is given others."""

import json
import re

from pages.shared import markup, timers


def test_they_are_what_people_get() -> None:
    assert (timers.STALE, timers.QUIET) == (3.0, 2.0)
    assert timers.COMPONENTS == {
        "left": 5_000, "lost": 5_000, "listen": 250, "blur": 200, "idle": 2_000, "settle": 400, "rest": 120,
        "tick": 350, "resend": 8_000, "scene": 1_000, "look": 25, "transition": 3_500, "download": 10_000,
    }  # fmt: skip


def test_every_timer_is_used_and_no_component_has_one_of_its_own() -> None:
    scripts = {file.name: file.read_text(encoding="utf-8") for file in markup.COMPONENTS.glob("*.js")}
    everything = "".join(scripts.values())
    assert [name for name in timers.COMPONENTS if f"timers.{name}" not in everything] == []
    own = re.compile(r"set(Timeout|Interval)\(.*, [\d_]+\)")
    assert [name for name, text in scripts.items() if own.search(text)] == []


def test_scripts_begin_with_them_and_styles_do_not() -> None:
    assert markup.source("prompt.js").startswith("const timers = {")
    assert not markup.source("prompt.css").startswith("const timers")
    assert json.dumps(timers.COMPONENTS) in timers.script()

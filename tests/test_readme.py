"""The README does what it says: its code runs and prints what it shows, its commands and files exist."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from lm_core import pretrained
from tests.browser.server import Server, running

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        server.wait_until("/ready")
        yield server


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


def test_every_path_the_guide_names_exists() -> None:
    guide = (ROOT / "assets" / "guide" / "architecture.md").read_text(encoding="utf-8")
    assert len(guide.splitlines()) <= 150
    for path in re.findall(r"`((?:lm_core|pages|assets|tests|app\.py)[\w./-]*)`", guide):
        assert (ROOT / path).exists() or "mine" in path, path


def test_every_path_it_names_exists_and_the_reading_list_is_complete() -> None:
    for path in re.findall(r"`((?:lm_core|pages|assets|\.streamlit|app\.py)[\w./-]*)`", TEXT):
        assert (ROOT / path).exists() or path == "pages/20_mine.py", path
    reading = TEXT.split("## Reading the code\n")[1].split("\n## ")[0]
    listed = set(re.findall(r"`lm_core/([\w.]+)/?`", reading))
    own = {path.name for path in (ROOT / "lm_core").iterdir() if not path.name.startswith("__")}
    assert listed == own


OPERATING = [
    line
    for title in ("Your own model", "Many users", "Operating it")
    for block in re.findall(r"```sh\n(.*?)```", TEXT.split(f"## {title}\n")[1].split("\n## ")[0], flags=re.DOTALL)
    for line in block.strip().splitlines()
]


@pytest.mark.parametrize("line", OPERATING)
@pytest.mark.long("make doctor loads the model and opens every page")
def test_an_operators_commands_can_be_given(line: str, server: Server, tmp_path: Path) -> None:
    """Each is executed, as far as it leaves this machine as it was. What its settings name is on the lists that a page
    offers, and a server is started with one line of them; replicas are started in tests/reliability, nothing is
    installed or fetched."""
    words = shlex.split(line)
    settings = dict(word.split("=", 1) for word in takewhile(lambda word: "=" in word, words))
    command = words[len(settings) :]
    if command[0] == "curl":
        assert server.get(command[1].replace("http://localhost:8501", ""))[0] == 200
    elif command == ["make", "doctor"]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        planned = subprocess.run(["make", "-n", "doctor"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "python -m pages.server.doctor" in planned.stdout
        code = [sys.executable, "-m", "pages.server.doctor"]
        run = subprocess.run(code, cwd=ROOT, env={**os.environ, "PORT": str(port)}, check=False, capture_output=True)
        said = run.stdout.decode()
        assert said.endswith("Ready for an audience.\n"), said
        assert len(re.findall("^ok  ", said, re.MULTILINE)) == 8
        assert "' Rome'" in said
        assert "13 pages drawn" in said
    elif command[0] == "make":
        planned = subprocess.run(["make", "-n", *command[1:]], cwd=ROOT, capture_output=True, text=True, check=True)
        assert command[1] in ("run", "doctor", "replicas")
        assert "streamlit run app.py" in planned.stdout or "python -m pages.server." in planned.stdout
    elif command[0].endswith("pip"):
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert command[1:] == ["install", ".[transformers]"]
        assert f"transformers=={version('transformers')}" in extras["transformers"]
    else:
        asked = [sys.executable, *command[1:3], "--help"]
        assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout
    if settings:
        code = (
            "from pages.server import asgi; from lm_core import pretrained, remote; asgi.check_settings(); "
            "print(*(entry.name for entry in (*pretrained.catalogue(), *remote.engines())))"
        )
        environment = {**os.environ, **settings}
        known = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
        named = re.findall(r"(?:^|; )(\w+)=", next(iter(settings.values())))
        assert named
        assert set(named) <= set(known.stdout.decode().split())
    if len(settings) > 1:  # with the most of them it is started too
        with running(tmp_path, changed=f"import os\nos.environ.update({settings!r})") as given:
            given.wait_until("/ready")


def test_what_deploys_it_is_sound() -> None:
    compose = yaml.safe_load((ROOT / "assets" / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"one", "two", "caddy"}
    steps = (ROOT / "assets" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {line.split()[0] for line in steps.splitlines() if line and not line.startswith("#")} == known
    target = re.search(r"make \.venv(/\S+)", steps)
    assert target is not None
    assert f"$(VENV){target[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    caddy = Path(sys.executable).parent / "caddy"
    values = {"REPLICAS": "127.0.0.1:8601 127.0.0.1:8602", "SECRET": "s"}
    check = [caddy, "validate", "--adapter", "caddyfile", "--config", ROOT / "assets" / "deploy" / "Caddyfile"]
    subprocess.run(check, env={**os.environ, **values}, check=True, capture_output=True)

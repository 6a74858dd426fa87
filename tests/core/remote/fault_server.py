"""An engine on this machine that answers in either dialect, with a model's real numbers or with a fault."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lm_core import LanguageModel
from lm_core.logits import log_softmax


class Engine:
    """What it serves, how it fails at the moment, and what it was asked."""

    def __init__(self, model: LanguageModel, dialect: str) -> None:
        self.model, self.dialect = model, dialect
        self.fault = ""
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.url = ""

    def answer(self, body: dict[str, Any]) -> Any:
        nats = log_softmax(self.model.next_logits([body["prompt"]])[0])
        found = [(int(i), float(nats[i])) for i in (-nats).argsort()[: body["logprobs"]]]
        if self.fault == "few":
            found = found[:20]
        if self.fault == "beyond":
            found[0] = (10**6, found[0][1])
        if self.fault == "too much":
            found = [(i, p + 0.1) for i, p in found]
        if self.fault == "another model":
            found = list(zip([i for i, _ in found], [p for _, p in found[1:] + found[:1]]))
        null = self.fault == "null"
        if self.dialect == "vllm":
            named = {"same" if self.fault == "texts" else f"token_id:{i}": p for i, p in found}
            logprobs: Any = {"top_logprobs": [named]}
        else:
            entries = [{"id": i, "token": "t", "logprob": p} for i, p in found]
            if self.fault == "texts":
                entries = [{"token": "t", "logprob": entry["logprob"]} for entry in entries]
            logprobs = {"content": [{"top_logprobs": entries}]}
        return {"choices": [{"text": "", "logprobs": None if null else logprobs}]}


@contextmanager
def serving(engine: Engine) -> Iterator[Engine]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(200, json.dumps({"data": [{"id": "served"}]}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            engine.asked.append((self.path, body, self.headers.get("Authorization", "")))
            if engine.fault == "HTML":
                self.send(200, b"<html>Login</html>")
            elif engine.fault == "500":
                self.send(500, b"oops")
            elif engine.fault == "redirect":
                self.send(302, b"", Location="http://example.com/")
            elif body["logprobs"] < 0:  # as most versions of vLLM answer; newer ones take -1 for all
                self.send(400, b'{"error": "`logprobs` must be a positive value."}')
            elif engine.fault == "limit" and body["logprobs"] > 20:
                self.send(400, b'{"error": "Requested sample logprobs of 300, which is greater than max allowed: 20"}')
            elif engine.fault == "truncated":
                whole = json.dumps(engine.answer(body)).encode()
                self.send(200, whole[: len(whole) // 2])
            elif engine.fault == "broken off":
                self.send(200, b"{", length=100)
            elif engine.fault == "slow":
                time.sleep(5)
            elif engine.fault.startswith("dripping"):
                self.drip(70_000 if engine.fault == "dripping" else 1)
            elif engine.fault == "large redirect":
                self.send(302, b"x" * 70_000_000, Location="http://[/")
            else:
                answer = engine.answer(body)
                self.send(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def send(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(length or len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def drip(self, size: int) -> None:
            """A little now and then, for ever: no single wait is long."""
            self.send_response(200)
            self.send_header("Content-Length", "100000000")
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b" " * size)
                    time.sleep(0.1)
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    engine.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()

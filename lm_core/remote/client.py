"""HTTP client for an engine's next-token log-probabilities: token ids out, token ids back, never matched by text.

Speaks two dialects of `POST /v1/completions`: vLLM's and llama.cpp's server's. Whatever is not sound raises
`EngineFailed`, with its reason. Standard library, because an answer as a whole must end in time; httpx limits waits.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import LmCoreError
from lm_core.remote.settings import DIALECTS

CONNECT = 2.0
"""Seconds for a connection."""
LARGEST = 64_000_000
"""Bytes of an answer; one over 152,000 tokens has about 15 million."""
FAILURES, PAUSE = 3, 30.0
"""After so many failures in a row the engine is left alone for so many seconds."""


class EngineFailed(LmCoreError):
    """An engine did not answer, or not as it must; the text says what was wrong."""


class TooMany(EngineFailed):
    """It refuses to give so many log-probabilities."""


@dataclass(frozen=True)
class Top:
    """Log-probabilities of the likeliest next tokens, likeliest first."""

    ids: NDArray[np.int64]
    nats: NDArray[np.float64]

    @property
    def probabilities(self) -> list[float]:
        return [float(p) for p in np.exp(self.nats)]

    @property
    def rest(self) -> float:
        """The probability of all other tokens together."""
        return max(0.0, 1.0 - float(np.exp(self.nats).sum()))


class Client:
    """One engine. Threads may share it."""

    def __init__(self, dialect: str, url: str, key: str = "", answer: float = 10.0) -> None:
        """`answer`: seconds for a whole answer."""
        self.title = DIALECTS[dialect]
        address = urlsplit(url)
        self._secure, self._host, self._port = address.scheme == "https", address.hostname or "", address.port
        self._prefix = address.path.rstrip("/").removesuffix("/v1")
        self._dialect, self._key, self._answer = dialect, key, answer
        self._model: str | None = None
        self._failed, self._open_until = 0, 0.0
        self._lock = threading.Lock()

    def top(self, ids: Sequence[int], count: int, vocabulary: int) -> Top:
        """The `count` likeliest tokens after `ids`. Raises EngineFailed; TooMany where it gives fewer at a time."""
        wanted = {"prompt": [int(i) for i in ids], "max_tokens": 1, "temperature": 0.0, "logprobs": count}
        if self._dialect == "vllm":
            wanted |= {"return_tokens_as_token_ids": True}
        answer = self._guarded(wanted)
        read = _vllm if self._dialect == "vllm" else _llama_cpp
        try:
            found = dict(read(answer))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise self._says("gives no log-probabilities with token ids where they must stand") from None
        return self._checked(found, vocabulary)

    def _checked(self, found: dict[int, float], vocabulary: int) -> Top:
        if not found:
            raise self._says("gives no log-probabilities")
        if min(found) < 0 or max(found) >= vocabulary:
            raise self._says(f"names a token id beyond this vocabulary of {vocabulary:,}: it serves another model")
        ids = np.fromiter(found, np.int64)
        nats = np.fromiter(found.values(), np.float64)
        total = float(np.exp(np.minimum(nats, 1.0)).sum())
        if np.isnan(nats).any() or not 0 < total <= 1.001:
            raise self._says(f"gives probabilities that sum to {total:.4g}")
        if len(ids) == vocabulary and total < 0.999:
            raise self._says(f"gives probabilities of all tokens that sum to {total:.4g}")
        order = np.lexsort((ids, -nats))
        return Top(ids[order], nats[order])

    # ---- over the wire

    def _guarded(self, wanted: dict[str, Any]) -> Any:
        """An answer, or a refusal at once while the engine is left alone."""
        with self._lock:
            left = self._open_until - time.monotonic()
        if left > 0:
            raise self._says(f"failed {FAILURES} times in a row and is asked again in {left:.0f} s")
        try:
            if self._dialect == "vllm" and self._model is None:
                self._model = str(self._send("GET", "/v1/models")["data"][0]["id"])
            answer = self._send("POST", "/v1/completions", {**wanted, "model": self._model or "default"})
        except (KeyError, IndexError, TypeError):
            self._count(failed=True)
            raise self._says("names no model") from None
        except TooMany:
            raise
        except EngineFailed:
            self._model = None  # it may come back under another name
            self._count(failed=True)
            raise
        self._count(failed=False)
        return answer

    def _count(self, failed: bool) -> None:
        with self._lock:
            self._failed = self._failed + 1 if failed else 0
            if self._failed >= FAILURES:
                self._failed, self._open_until = 0, time.monotonic() + PAUSE

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request and the JSON of its answer, all of it within the time. Follows no redirect, knows no proxy."""
        end = time.monotonic() + self._answer
        connection = self._connected()
        # A wait for each byte would let an engine that drips take for ever: at the end the line is cut.
        watchdog = threading.Timer(self._answer, _cut, (connection.sock,))
        watchdog.daemon = True
        watchdog.start()
        try:
            headers = {"Content-Type": "application/json"}
            headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
            connection.request(method, self._prefix + path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            parts = bytearray()
            while part := answer.read1(65_536):
                parts += part
                if len(parts) > LARGEST:
                    raise self._says(f"sends more than {LARGEST // 10**6} MB")
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() < end:
                raise self._says(f"broke off its answer ({type(error).__name__})") from None
        finally:
            watchdog.cancel()
            connection.close()
        if time.monotonic() >= end:
            raise self._says(f"did not answer within {self._answer:g} s")
        return self._read(answer.status, bytes(parts))

    def _connected(self) -> http.client.HTTPConnection:
        """An open connection; a second try where the first fails."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        for _ in range(2):
            connection = kind(self._host, self._port, timeout=CONNECT)
            try:
                connection.connect()
            except OSError:
                connection.close()
                continue
            connection.sock.settimeout(self._answer)
            return connection
        raise self._says("cannot be reached")

    def _read(self, status: int, body: bytes) -> Any:
        import orjson

        if status == 400 and b"logprobs" in body:
            raise TooMany(f"The engine ({self.title}) gives fewer log-probabilities at a time.")
        if status != 200:
            raise self._says(f"answers with status {status}")
        try:
            return orjson.loads(body)
        except ValueError:
            raise self._says("answers with something that is no JSON, or not all of it") from None

    def _says(self, what: str) -> EngineFailed:
        return EngineFailed(f"The engine ({self.title}) {what}.")


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _vllm(answer: Any) -> Iterable[tuple[int, float]]:
    """{"token_id:42": -1.5, ...}; a text for a key would stand for several tokens."""
    for name, nats in answer["choices"][0]["logprobs"]["top_logprobs"][0].items():
        kind, _, number = name.partition(":")
        if kind != "token_id":
            raise ValueError(name)
        yield int(number), float(nats)


def _llama_cpp(answer: Any) -> Iterable[tuple[int, float]]:
    """[{"id": 42, "token": " the", "logprob": -1.5}, ...]"""
    for entry in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
        yield int(entry["id"]), float(entry["logprob"])

"""Bringing a model here, from a hub on this machine: size first, asked, and only what we read."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lm_core.pretrained import local
from tests.browser.server import ROOT
from tests.core.pretrained.test_local import FAMILIES, WORDS, random_model

COMMIT = "0" * 40


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """Serves one small model, with a pickle and code beside it that nobody needs."""
    folder = tmp_path / "served"
    random_model(FAMILIES["qwen2"]).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling_own.py").write_text("raise SystemExit")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.split("?")[0]
            if path.startswith("/api/models/org/tiny"):
                siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
                card = {"license": "apache-2.0"}
                data = json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": siblings, "cardData": card}).encode()
            elif path.startswith("/api/models/org/pickled"):
                data = json.dumps(
                    {"id": "p", "sha": COMMIT, "siblings": [{"rfilename": "model.bin", "size": 1}]}
                ).encode()
            else:
                name = path.rpartition("/")[2]
                if not path.startswith("/org/tiny/resolve/") or name not in files:
                    self.send_error(404)
                    return
                data = files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def ask(hub: str, tmp_path: Path, *arguments: str, says: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "lm_core.pretrained.hub", *arguments]
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command, cwd=tmp_path, env=environment, input=says, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_size_comes_first_and_no_is_an_answer(hub: str, tmp_path: Path) -> None:
    run = ask(hub, tmp_path, "org/tiny", says="n\n")
    assert "org/tiny: 4 files, 0.1 MB, licence apache-2.0, into " in run.stdout
    assert run.stderr.strip() == "Nothing was downloaded."
    assert not (tmp_path / "tiny").exists()


def test_what_comes_can_be_loaded_and_is_no_more_than_needed(hub: str, tmp_path: Path) -> None:
    run = ask(hub, tmp_path, "org/tiny", says="y\n")
    assert run.returncode == 0, run.stderr
    assert f'{local.SETTING}="tiny={tmp_path / "tiny"}" make run' in run.stdout
    assert not [*(tmp_path / "tiny").glob("*.bin"), *(tmp_path / "tiny").glob("*.py")]
    model, begin = local.load(tmp_path / "tiny")
    assert model.next_logits([WORDS.encode("the hub")]).shape == (1, 300)
    assert begin == (0,)


@pytest.mark.parametrize(
    ("name", "said"), [("org/pickled", "has no safetensors"), ("org/unknown", "The hub does not give org/unknown")]
)
def test_what_cannot_be_had_is_a_sentence(hub: str, tmp_path: Path, name: str, said: str) -> None:
    run = ask(hub, tmp_path, name, "--yes")
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.returncode == 1

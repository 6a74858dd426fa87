"""A visitor without a browser: speaks Streamlit's websocket protocol and times its reruns."""

import json
import time
from types import TracebackType
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


class Visitor:
    """One session on a page; `with Visitor(url, "next_token") as visitor: visitor.rerun()`."""

    def __init__(self, url: str, page: str, query: str = "") -> None:
        self._page, self.query = page, query
        self.shown: dict[str, dict[str, Any]] = {}
        """What the page's components were given last, by what they show."""
        self._socket = connect(url.replace("http", "ws") + "/_stcore/stream", subprotocols=["streamlit"], max_size=None)

    def __enter__(self) -> "Visitor":
        self._hash = ""
        self.rerun()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._socket.close()

    def rerun(self, after: float = 0.0) -> float:
        """Seconds from asking for a rerun of the page to its end.

        `after` lets the line fall silent first: within 0.1 s of the last message TCP holds small packets
        back for 40 ms, which is not the server's time.
        """
        time.sleep(after)
        ask = BackMsg()
        ask.rerun_script.page_name = "" if self._hash else self._page
        ask.rerun_script.page_script_hash = self._hash
        ask.rerun_script.query_string = self.query
        start = time.perf_counter()
        self._socket.send(ask.SerializeToString())
        begun = False
        while True:
            answer = ForwardMsg.FromString(self._socket.recv(timeout=60))
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.new_element.WhichOneof("type") == "bidi_component":
                drawn = answer.delta.new_element.bidi_component
                self.shown[drawn.component_name] = json.loads(drawn.json or "{}")
            if kind == "new_session":
                begun = True
            if kind == "navigation":
                self._hash = answer.navigation.page_script_hash
            if kind == "script_finished" and begun:
                return time.perf_counter() - start

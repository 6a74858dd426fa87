"""The models of this process: each is loaded once, on first use, and shared by all visitors.

Kept outside Streamlit's caches, because any browser can clear those for everybody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lm_core import pretrained, remote
from lm_core.errors import LmCoreError
from lm_core.models import LanguageModel
from lm_core.pretrained import local
from lm_core.serving import limits, process_resources
from lm_core.serving.served_model import ServedModel


class Registry:
    """Loaded models by name. Two visitors who ask at once wait for one load."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._served: dict[str, ServedModel] = {}
        self._loading = threading.Lock()
        self._begins: dict[str, tuple[int, ...]] = {}
        self.loads = 0
        """How often a pretrained model was loaded."""

    def get(self, name: str = pretrained.DEFAULT) -> ServedModel:
        """The pretrained model, loaded if need be. Raises what `pretrained.load` raises, each time anew."""

        if name in self._served:
            return self._served[name]
        if elsewhere := next((each for each in remote.engines() if each.name == name), None):
            return self._elsewhere(elsewhere)
        known = pretrained.entry(name)
        if isinstance(known, pretrained.LocalEntry):
            return self._local(known)

        def load() -> LanguageModel:
            self.loads += 1
            return pretrained.load_engine(name)

        return self.serve(name, load, lambda: pretrained.load(name))

    def begin(self, name: str) -> tuple[int, ...]:
        """What the model of this name reads by itself before every text, such as <bos>; it is loaded by now."""
        return self._begins.get(name, ())

    def bare(self, name: str) -> ServedModel:
        """The same model for whoever brings that beginning along with the text."""
        served = self.get(name)
        return self.serve(f"{name}/bare", lambda: served.run(lambda model: model)) if self.begin(name) else served

    def _elsewhere(self, known: remote.EngineEntry) -> ServedModel:
        """An engine that the operator has set up, in front of the same model here."""
        from lm_core.remote.client import Client
        from lm_core.remote.model import RemoteModel
        from lm_core.remote.remote_only import RemoteOnlyModel
        from lm_core.serving.engine_with_fallback import EngineWithFallback

        copy = self.get(known.local_name) if known.words is None else RemoteOnlyModel(known.words)
        begin = self.begin(known.local_name) if isinstance(copy, ServedModel) else copy.begin
        client = Client(known.dialect, known.url, known.key, limits.ENGINE_SECONDS)
        with self._guard:
            return self._served.setdefault(known.name, EngineWithFallback(RemoteModel(client, copy, begin), copy))

    def _local(self, known: pretrained.LocalEntry) -> ServedModel:
        """A model of the operator's; one larger than the memory that is left is refused."""
        from lm_core.models.prefixed_model import PrefixedModel

        found: list[LanguageModel] = []

        def load() -> LanguageModel:
            self.loads += 1
            with self._loading:  # two at once would both count on the same room
                free = limits.MEMORY - process_resources.resident()
                model, begin = local.load(known.path(), known.adapted, most_bytes=free)
            found.append(model)
            self._begins[known.name] = begin
            return PrefixedModel(model, begin) if begin else model

        return self.serve(known.name, load, lambda: found[0])

    def serve(
        self, name: str, load: Callable[[], LanguageModel], reference: Callable[[], LanguageModel] | None = None
    ) -> ServedModel:
        """The model of this name, whatever it is; `load` brings it the first time, and `reference` the one to be
        looked into, where that is another."""
        if name in self._served:
            return self._served[name]
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._served:
                self._served[name] = ServedModel(load(), reference)
            return self._served[name]

    def loaded(self, name: str = pretrained.DEFAULT) -> bool:
        return name in self._served

    def warmed(self, name: str = pretrained.DEFAULT) -> bool:
        """Whether the model has answered a prompt."""
        return name in self._served and self._served[name].answered

    def warm(self, name: str = pretrained.DEFAULT, text: str = "The capital of France is") -> LmCoreError | None:
        """Loads the model and answers one prompt, so that the first visitor waits for neither.

        Returns the error instead of raising it: a server without a model still serves its other pages.
        """
        try:
            served = self.get(name)
            served.next_logits([served.tokenizer.encode(text)])
        except LmCoreError as error:
            return error
        return None


registry = Registry()
"""The one of this process."""

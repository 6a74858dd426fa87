"""Holds the models of this process: each is loaded once, on first use, and shared by all visitors.

Outside Streamlit's caches on purpose: any browser can clear those for everybody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lm_core import pretrained
from lm_core.errors import LmCoreError
from lm_core.models import LanguageModel
from lm_core.runtime.served_model import ServedModel


class Registry:
    """Loaded models by name. Two visitors who ask at once wait for one load."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._served: dict[str, ServedModel] = {}
        self.loads = 0
        """How often a pretrained model was loaded."""

    def get(self, name: str = pretrained.DEFAULT) -> ServedModel:
        """The pretrained model, loaded if need be. Raises what `pretrained.load` raises, each time anew."""

        def load() -> LanguageModel:
            self.loads += 1
            return pretrained.load_engine(name)

        return self._served.get(name) or self.serve(pretrained.entry(name).name, load, lambda: pretrained.load(name))

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

"""Pages run in this process, at the project's folder, with the model in memory."""

import functools
import gc

import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.runtime import registry
from tests.browser.server import ROOT


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="package", autouse=True)
def _warm() -> None:
    assert registry.warm() is None
    gc.collect()
    gc.freeze()  # as the server does; AppTest collects garbage after each run


@pytest.fixture
def _folds_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fold of a page is open from the start, so that what it holds is drawn."""
    monkeypatch.setattr(st, "expander", functools.partial(st.expander, expanded=True))
    monkeypatch.setattr(DeltaGenerator, "expander", functools.partialmethod(DeltaGenerator.expander, expanded=True))

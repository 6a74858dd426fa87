"""Pages run in this process, at the project's folder, with the model in memory."""

import functools
import gc
from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from lm_core.serving import registry
from lm_core.training_runs import scheduler
from pages.shared.pictures import export
from tests.browser.server import ROOT


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(autouse=True)
def _inside_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is entered through app.py at once, as in any server that has answered before.

    AppTest forgets at each run that the app builds its own navigation, takes `pages/` for Streamlit's older kind of
    app, and loses buttons and forms in the rerun that follows.
    """

    class Remembered(PagesManager):
        """Takes the forgetting upon itself, so that it does not reach the class above."""

    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)
    monkeypatch.setattr("streamlit.testing.v1.app_test.PagesManager", Remembered)


@pytest.fixture(scope="package", autouse=True)
def _packages_scanned_once() -> Iterator[None]:
    """Each AppTest reads what every installed package says of itself, to find components: a quarter of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(scope="package", autouse=True)
def _runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Training runs are kept in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(scheduler.FOLDER, str(tmp_path_factory.mktemp("runs")))
        scheduler.close()
        yield
        scheduler.close()


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


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What the buttons of the page that is open would save, by their names, made when it is asked for."""
    found: dict[str, Callable[[], bytes]] = {}
    monkeypatch.setattr(export, "download", lambda name, make, *_: found.update({name: make}))
    return found

"""One warmed server for the tests that leave it as it was."""

from collections.abc import Iterator

import pytest

from tests.browser.server import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("reliability")) as server:
        server.wait_until("/ready")
        yield server

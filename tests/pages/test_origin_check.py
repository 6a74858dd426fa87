"""Names that the server answers to, and pages that may open a session."""

import pytest
from streamlit import config

from pages.server import origin_check


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """`explorer.example.org` is the name that the operator has given."""
    settings = {
        "server.allowedHosts": origin_check.names("explorer.example.org"),
        "server.corsAllowedOrigins": ["https://intranet.example.org"],
    }
    real = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: settings.get(name, real(name)))


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("http://localhost:9999", "localhost:8501", False),  # another program on this machine
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("http://evil.example", "localhost:8501", False),
        ("https://explorer.example.org", "10.0.0.3:8601", True),  # a proxy may tell another host
        ("https://explorer.example.org.evil.example", "10.0.0.3:8601", False),
        ("https://intranet.example.org", "explorer.example.org", True),
        ("null", "localhost:8501", False),
        ("http://[", "localhost:8501", False),
    ],
)
def test_whose_pages_may_open_a_session(origin: str, host: str, own: bool) -> None:
    assert origin_check.is_own_page(origin, host) is own


def test_the_names_are_those_of_this_machine_and_those_given() -> None:
    assert origin_check.names("a.example,b.example  c.example", ["10.0.0.7", "localhost"]) == [
        "localhost", "127.0.0.1", "::1", "10.0.0.7", "a.example", "b.example", "c.example",
    ]  # fmt: skip

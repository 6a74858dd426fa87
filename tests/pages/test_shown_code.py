"""The Python that pages show: every block is Python, and what it imports and names is there."""

import ast
import importlib
from types import ModuleType

import pytest

from tests.pages.opening import ENTRIES, open_page

VIEWS = [
    (entry.url, dict(link))
    for entry in ENTRIES
    for link in {(): None, **{(("look", ex["look"]),): None for ex in entry.examples.values() if "look" in ex}}
]


def missing(code: str) -> list[str]:
    """Names that a block takes from a module of ours which has them not."""
    found, modules = [], {}
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lm_core"):
            for alias in node.names:
                home = importlib.import_module(node.module)
                try:
                    value = getattr(home, alias.name, None) or importlib.import_module(f"{node.module}.{alias.name}")
                except ImportError:
                    found.append(f"{node.module}.{alias.name}")
                    continue
                if isinstance(value, ModuleType):
                    modules[alias.asname or alias.name] = value
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            module = modules[node.value.id]
            found += [] if hasattr(module, node.attr) else [f"{module.__name__}.{node.attr}"]
    return found


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.long("some views measure or score before they are drawn")
@pytest.mark.parametrize(("url", "link"), VIEWS, ids=str)
def test_what_it_imports_and_names_is_there(url: str, link: dict[str, str]) -> None:
    blocks = [block.value for block in open_page(url, **link).code if "import" in block.value]
    assert [name for block in blocks for name in missing(block)] == []


def test_a_wrong_name_is_found() -> None:
    assert missing("from lm_core.scoring import candidates\ncandidates.ask(1)") == ["lm_core.scoring.candidates.ask"]
    assert missing("from lm_core.scoring import scores") == ["lm_core.scoring.scores"]
    assert missing("from lm_core import pretrained\npretrained.load()") == []

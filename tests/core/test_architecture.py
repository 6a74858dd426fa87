"""The structure as a test: imports go down only, and importing the package costs next to nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lm_core

ROOT = Path(__file__).resolve().parents[2]
# A module may import any that stands before it; None is the package's own door.
ORDER: list[str | None] = [
    "errors", "kv_sizing", "storage", "distribution", "sweep", "pasted", "tokens", "labels", "prompt",
    "grammar", "corpus", "sums", "syntax", "recipe", "models", "pretrained", "remote", "filters", "decoding", "trace",
    "recording", "window", "generation", "cache_run", "repetition", "exploration", "beam", "crowd", "scoring",
    "factors", "answers", "shannon", "quiz", "inspection", "counting", "smoothing", "training", "runtime", None,
]  # fmt: skip


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every imported module, as (line, dotted name)."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def part(dotted: str) -> str | None:
    """`lm_core.models.transformer.X` -> "models"; a name the package's door offers -> None."""
    pieces = dotted.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[1] in ORDER else None


def violations(folder: Path) -> list[str]:
    found = []
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(folder.parent)
        for line, name in imports(file):
            root = name.split(".")[0]
            if path.parts[0] == "lm_core":
                own = path.parts[1].removesuffix(".py")
                mine = ORDER.index(None if own == "__init__" else own)
                if root in {"streamlit", "plotly", "pages", "app"}:
                    found.append(f"{path}:{line} lm_core imports {name}")
                if root == "lm_core" and ORDER.index(part(name)) > mine:
                    found.append(f"{path}:{line} imports {name}, which stands above it")
            elif root == "app":
                found.append(f"{path}:{line} a page imports {name}")
    return found


def test_imports_go_down_only() -> None:
    assert violations(ROOT / "lm_core") + violations(ROOT / "pages") == []


def test_the_rule_bites(tmp_path: Path) -> None:
    package = tmp_path / "lm_core"
    package.mkdir()
    (package / "tokens.py").write_text("import streamlit\nfrom lm_core.models import kv_cache\n")
    assert violations(package) == [
        "lm_core/text/tokenizers.py:1 lm_core imports streamlit",
        "lm_core/text/tokenizers.py:2 imports lm_core.models.kv_cache, which stands above it",
    ]


def test_every_public_name_is_there() -> None:
    assert all(getattr(lm_core, name) is not None for name in lm_core.__all__)


def fresh(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "('streamlit', 'plotly', 'pandas', 'torch', 'numpy')"
    assert fresh(f"import sys, lm_core; print([m for m in {heavy} if m in sys.modules])") == "[]"


def test_importing_the_package_takes_less_than_50_ms() -> None:
    """The best of five, so that a busy machine does not decide; it takes about 1 ms."""
    code = "from time import perf_counter as now; t = now(); import lm_core; print(now() - t)"
    assert min(float(fresh(code)) for _ in range(5)) < 0.05

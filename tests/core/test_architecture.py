"""The structure as a test: imports go one way, no module reaches itself, and importing the package costs nothing."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lm_core

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[0-9]*.py"))
PACKAGES = [
    "errors", "csv_table", "storage", "logits", "distribution", "labels", "kv_sizing", "text", "models", "decoding",
    "generation", "scoring", "inspection", "training", "pretrained", "remote", "serving", "training_runs",
]  # fmt: skip
"""Of lm_core; each may import those before it."""
ROOMS = ["shared", "shared/controls", "shared/pictures", "shell", "server"]
"""Of pages, below the folder of each page; each may import those before it."""
MOST_FILES, MOST_LINES = 15, 300


@cache
def modules(root: Path) -> dict[str, Path]:
    files = [file for room in ("lm_core", "pages") for file in (root / room).rglob("*.py")]
    names = (file.relative_to(root).with_suffix("").as_posix().replace("/", ".") for file in [*files, root / "app.py"])
    return {name.removesuffix(".__init__"): file for name, file in zip(names, [*files, root / "app.py"])}


def nodes(tree: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        yield node
        if lazy or not isinstance(node, ast.FunctionDef):
            yield from nodes(node, lazy)


def imports(root: Path, module: str, lazy: bool = True) -> Iterator[tuple[int, str]]:
    """Every module of ours or others that a module imports, as (line, dotted name); `lazy` also those in functions."""
    for node in nodes(ast.parse(modules(root)[module].read_text(encoding="utf-8")), lazy):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in modules(root) else node.module


def height(module: str) -> tuple[str, int]:
    """Where a module stands: its house, and the floor in it."""
    house, *rooms = module.split(".")
    if house == "lm_core":
        return house, PACKAGES.index(rooms[0]) if rooms else len(PACKAGES)
    folder = "/".join(rooms[:-1]) if "/".join(rooms) not in ROOMS else "/".join(rooms)
    if house == "pages" and rooms and rooms[0] not in PAGES:
        return house, ROOMS.index(folder) if folder in ROOMS else len(ROOMS)
    return house, len(ROOMS) + 1


def page_of(module: str) -> str:
    """The page whose folder a module lies in, by its address; empty for what several pages use."""
    pieces = module.split(".")
    addresses = {page.partition("_")[2] for page in PAGES}
    return pieces[1] if pieces[0] == "pages" and pieces[1:] and pieces[1] in addresses else ""


def violations(root: Path) -> list[str]:
    found = []
    for module in sorted(modules(root)):
        house, floor = height(module)
        mine = page_of(module) or module.partition("pages.")[2].partition("_")[2]
        for line, name in imports(root, module):
            outside = {"lm_core": {"streamlit", "plotly", "pandas", "pages", "app"}, "pages": {"app"}}.get(house, set())
            where = f"{module}:{line} imports {name}"
            if name.split(".")[0] in outside:
                found.append(f"{where}, which {house} does without")
            elif name in modules(root) and height(name)[0] == house and height(name)[1] > floor:
                found.append(f"{where}, which stands above it")
            elif page_of(name) and page_of(name) != mine:
                found.append(f"{where}, which is another page's")
    return found


def test_imports_go_one_way_and_no_page_imports_another_pages_folder() -> None:
    assert violations(ROOT) == []


def test_no_module_reaches_itself() -> None:
    graph = {
        module: {name for _, name in imports(ROOT, module, lazy=False) if name in modules(ROOT)} - {module}
        for module, file in modules(ROOT).items()
        if file.name != "__init__.py"  # it gathers its own folder
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_rules_bite(tmp_path: Path) -> None:
    files = {
        "app.py": "",
        "lm_core/text/tokenizers.py": "import streamlit\nfrom lm_core.models import kv_cache\n",
        "lm_core/models/kv_cache.py": "from lm_core.models.attention import X\n",
        "lm_core/models/attention.py": "from lm_core.models.kv_cache import Y\n",
        "pages/shared/markup.py": "from pages.loss import controls\n",
        "pages/loss/controls.py": "from pages.training import player\n",
        "pages/training/player.py": "import app\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert violations(tmp_path) == [
        "lm_core.text.tokenizers:1 imports streamlit, which lm_core does without",
        "lm_core.text.tokenizers:2 imports lm_core.models.kv_cache, which stands above it",
        "pages.loss.controls:1 imports pages.training.player, which is another page's",
        "pages.shared.markup:1 imports pages.loss.controls, which stands above it",
        "pages.training.player:1 imports app, which pages does without",
    ]
    pair = ("lm_core.models.kv_cache", "lm_core.models.attention")
    with pytest.raises(CycleError):
        TopologicalSorter({m: {name for _, name in imports(tmp_path, m)} for m in pair}).prepare()


def test_folders_and_files_stay_small() -> None:
    folders = {file.parent for file in modules(ROOT).values()} - {ROOT}
    crowded = {f: n for f in folders if (n := sum(p.name != "__init__.py" for p in f.glob("*.py"))) > MOST_FILES}
    long = {m: n for m, file in modules(ROOT).items() if (n := len(file.read_text().splitlines())) > MOST_LINES}
    assert (crowded, long) == ({}, {})


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


def roots(sheet: str) -> set[str]:
    """The classes with which the selectors of a sheet begin.

    >>> sorted(roots(".bars td, .bars :is(.a, .b) { color: red } @media print { .other { color: blue } }"))
    ['bars', 'other']
    """
    plain = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    found = set()
    for selectors in re.findall(r"([^{};]+)\{", plain):
        if selectors.strip().startswith("@") or re.fullmatch(r"\s*(from|to|[\d.%, ]+)\s*", selectors):
            continue
        for selector in re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", selectors)).split(","):
            found.add((re.match(r"\s*\.([\w-]+)", selector) or [selector, selector])[1])
    return found


def test_a_component_owns_its_styles() -> None:
    """Each sheet of a component speaks of one class, its own, so that no component changes another."""
    folder = ROOT / "assets" / "components"
    sheets = [file for file in folder.rglob("*.css") if file.parent.name != "page"]
    owned = {file.stem: roots(file.read_text(encoding="utf-8")) for file in sheets}
    assert {name: len(classes) for name, classes in owned.items()} == dict.fromkeys(owned, 1)
    assert len(set().union(*owned.values())) == len(sheets) == 12
    assert roots(".bars td { } .export { }") == {"bars", "export"}

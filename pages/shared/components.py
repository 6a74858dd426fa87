"""Files of assets/components: styles as text, scripts as modules that the browser loads from this server."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path("assets/components")
ADDRESS = "/components"
"""Where the server offers the folder; a version follows, so that a browser may keep each file for good."""


@lru_cache
def styles(*names: str) -> str:
    """CSS files of the folder, as one text."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


@lru_cache
def version() -> str:
    """Changes with any of the files. They are read once: restart the server after a change."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return sha256(b"".join(path.as_posix().encode() + path.read_bytes() for path in files)).hexdigest()[:12]


def script(name: str) -> str:
    """What Streamlit is given as a component's JavaScript: it imports the module, and offers what that offers."""
    return (
        f'const address = new URL("{ADDRESS}/{version()}/{name}", document.baseURI);\n'
        "export default (await import(address.href)).default;\n"
    )

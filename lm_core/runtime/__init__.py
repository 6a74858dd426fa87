"""What a server shared by many visitors needs around the models: loading once, queueing, limits."""

from lm_core.runtime.registry import Registry, registry
from lm_core.runtime.served_model import ServedModel

__all__ = ["Registry", "ServedModel", "registry"]

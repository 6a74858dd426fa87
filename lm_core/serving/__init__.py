"""One model for many visitors of a server.

The `registry` loads each model once; a `served_model` answers through the `inference_queue`, which batches what waits,
and keeps what was computed in an `lru_cache`. An `engine_with_fallback` asks a remote engine first. `limits` are the
server's settings, `memory` what the machine has left.
"""

from lm_core.serving.registry import Registry, registry
from lm_core.serving.served_model import ServedModel

__all__ = ["Registry", "ServedModel", "registry"]

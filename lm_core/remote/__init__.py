"""Models that an engine elsewhere computes, asked through the OpenAI-compatible completions API; opt-in, by setting."""

from lm_core.remote.settings import EngineEntry, engines

__all__ = ["EngineEntry", "engines"]

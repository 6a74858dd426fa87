"""What sizing says beside each figure of a start log, and which single setting would explain a difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.engines.profiles import LlamaCpp, SGLang
from lm_core.kv_sizing.engines.vllm import Vllm
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.logs.start_log import Printed, StartLog
from lm_core.kv_sizing.sizing import engine, size

_PROFILES: dict[str, Any] = {"vLLM": Vllm, "SGLang": SGLang, "llama.cpp": LlamaCpp}
_DTYPES = ("bf16", "fp8", "nvfp4", "f16", "q8_0", "q4_0")


@dataclass(frozen=True)
class Compared:
    """One printed figure: what sizing gives for it at least and at most, because others were rounded in print.

    `bytes`: the difference in bytes on one GPU, 0 where they agree; None where a difference is not one of bytes.
    `explained`: the setting with which they would agree; "" where none of those tried does.
    """

    printed: Printed
    low: float
    high: float
    bytes: int | None
    explained: str = ""

    @property
    def agrees(self) -> bool:
        return self.printed.holds(self.low, self.high)


def compare(log: StartLog, geometry: Geometry, tensor_parallel: int = 1, sequences: int = 1) -> tuple[Compared, ...]:
    """Every figure of the cache that was printed, for this model; weights and graphs are no matter of the cache.

    >>> from lm_core.kv_sizing import preset
    >>> from lm_core.kv_sizing.logs.start_log import read
    >>> said = "Available KV cache memory: 19.25 GiB\\nGPU KV cache size: 157,648 tokens"  # Llama 3.1 8B, vLLM 0.10.1
    >>> compare(read(said + ", max_model_len=131072"), preset("llama-3.1-8b"))[0].agrees
    True
    """
    asked = _Asked(log, geometry, int(log.settings.get("tp", 0)) or tensor_parallel, sequences)
    found = []
    for each in asked.answers():
        explained = "" if each.agrees else next((words for words, other in asked.others() if _holds(other, each)), "")
        found.append(replace(each, explained=explained))
    return tuple(found)


def _holds(asked: _Asked, before: Compared) -> bool:
    try:  # another GPU's memory is solved for from one figure: it explains all of them or none
        looked_at = [each for each in asked.answers() if asked.least or each.printed.name == before.printed.name]
        return bool(looked_at) and all(each.agrees for each in looked_at)
    except InvalidInput:
        return False


@dataclass(frozen=True)
class _Asked:
    """The question that a log answers, with one setting changed or none."""

    log: StartLog
    geometry: Geometry
    ranks: int
    sequences: int
    dtype: str = ""
    older: bool = False
    """vLLM up to 0.13 at least: one block for a state, tokens = blocks // block tables x block size."""
    options: tuple[tuple[str, Any], ...] = ()
    least: tuple[int, int] | None = None
    """Bytes for the cache on the GPU with the least, between two bounds; None: as the log says."""

    @property
    def stored(self) -> tuple[str, str]:
        settings = self.log.settings
        k = self.dtype or str(settings.get("dtype") or "auto")
        return k, self.dtype or str(settings.get("dv") or k)

    def profile(self) -> Any:
        names = {field.name for field in fields(_PROFILES[self.log.engine])}
        said = {name: value for name, value in self.log.settings.items() if name in names}
        return engine(self.log.engine, **{**said, **dict(self.options)})

    def others(self) -> Iterator[tuple[str, _Asked]]:
        """Settings that a text may leave out, one at a time, in words."""
        profile = self.profile()
        if self.log.engine == "vLLM":
            older = replace(self, older=True, options=(("mamba_align", False),))
            yield "vLLM’s rules of 0.13 and before", older
            for asked, besides in ((self, ""), (older, ", by vLLM’s rules of 0.13 and before")):
                if least := asked.least_elsewhere():
                    yield f"{least[0] / 2**30:.2f} GiB left on another GPU{besides}", replace(asked, least=least)
        for name in _DTYPES:
            if name in profile.dtypes:
                yield f"the cache stored as {name}", replace(self, dtype=name)
        tried: tuple[tuple[str, Any], ...] = {
            "vLLM": (("async_scheduling", False), ("mamba_align", False), ("max_num_batched_tokens", 2048),
                     ("max_num_batched_tokens", 16_384), *(("block_size", size) for size in (32, 64, 128, 256))),
            "SGLang": (("page_size", 64), ("page_size", 16)),
            "llama.cpp": (("swa_full", True), ("unified", True), ("n_ubatch", 2048)),
        }[self.log.engine]  # fmt: skip
        for name, value in tried:
            yield f"{name} {value}", replace(self, options=((name, value),))
        for ranks in (1, 2, 4, 8):
            if ranks != self.ranks and profile.splits_heads:
                yield f"tensor_parallel {ranks}", replace(self, ranks=ranks)

    def least_elsewhere(self) -> tuple[int, int] | None:
        """Bytes that another of several GPUs must have had: vLLM plans with the least, and may print one GPU's alone.

        From the concurrency. Whether the tokens follow from the same bytes is what shows that it was so.
        """
        available, printed = self.log.figure("available"), self.log.figure("concurrency")
        length = int(self.log.settings.get("n", 0))
        if self.ranks < 2 or not available or not printed or not length or not self.log.figure("tokens"):
            return None
        one = self._sized(length)
        plan = self.profile().plan(one.stored, one.load)
        request = plan.blocks_per_request * plan.bytes_per_block
        low, high = (round((printed.value + sign * printed.half) * request) for sign in (-1, 1))
        return (low, high) if high < available.value else None

    def answers(self) -> Iterator[Compared]:
        kind = {"vLLM": self._vllm, "SGLang": self._sglang, "llama.cpp": self._llama}
        yield from kind[self.log.engine]()

    def _sized(self, context: int, sequences: int = 1) -> Any:
        return size(self.geometry, context, sequences, *self.stored, self.profile(), self.ranks)

    def _vllm(self) -> Iterator[Compared]:
        available, length = self.log.figure("available"), int(self.log.settings.get("n", 0))
        profile = self.profile()
        length = length or self.geometry.max_context
        if not length:
            return
        one = self._sized(length)
        plan = profile.plan(one.stored, one.load)
        needed = self.log.figure("needed")
        if needed:
            request = plan.blocks_per_request * plan.bytes_per_block
            yield Compared(needed, request, request, round(request - needed.value))
        if available is None or available.value <= 0:
            return
        room = [*(self.least or (int(available.value - available.half), int(available.value + available.half)))]
        logged = [plan.log(each, length) for each in room]
        blocks = [each // plan.bytes_per_block for each in room]
        if self.older:
            size_of = min(pool.block for pool in plan.pools)
            many = sum(pool.tables for pool in plan.pools)
            logged = [(count // many * size_of, concurrency) for count, (_, concurrency) in zip(blocks, logged)]
        each_token = plan.blocks_per_request * plan.bytes_per_block / length
        for name, low, high, unit in (
            ("tokens", logged[0][0], logged[1][0], each_token),
            ("concurrency", logged[0][1], logged[1][1], each_token * length),
            ("blocks", blocks[0], blocks[1], plan.bytes_per_block),
        ):
            if printed := self.log.figure(name):
                slack = 16 if name == "tokens" else 1 if name == "blocks" else 0.005  # whole blocks, the null block
                middle = (low + high) / 2
                yield Compared(printed, low - slack, high + slack, round((middle - printed.value) * unit))

    def _sglang(self) -> Iterator[Compared]:
        tokens, keys, values = (self.log.figure(name) for name in ("tokens", "keys", "values"))
        if tokens is None or keys is None or tokens.value < 1:
            return
        sizing = self._sized(int(tokens.value))
        grows = sum(line.bytes for line in sizing.lines if "state layers" not in line.label)
        printed = keys
        if values is not None:
            text = f"{keys.text} + {values.text}"
            printed = Printed("keys and values", text, keys.value + values.value, keys.half + values.half)
        yield Compared(printed, grows, grows, round(grows - printed.value))

    def _llama(self) -> Iterator[Compared]:
        length = int(self.log.settings.get("n", 0))
        if not length:
            return
        many = max(1, int(self.log.settings.get("batch", 0)) or self.sequences)
        sizing = self._sized(max(1, length // many), many)
        states = sum(line.bytes for line in sizing.lines if "state layers" in line.label)
        for name, count in (("cache", sizing.per_gpu - states), ("states", states)):
            if printed := self.log.figure(name):
                yield Compared(printed, count, count, round(count - printed.value))

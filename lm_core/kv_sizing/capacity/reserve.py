"""What an engine takes on each GPU besides weights and cache, estimated: activations, CUDA graphs, communication.

vLLM measures its peak when it starts, and in most models the peak is the sampler's work on logits, not the layers: with
Llama 3.1 8B and with 70B it was 4.8 GiB on an H100, with gpt-oss 20B and 120B 7.4. That is so many times
`max_num_seqs` x vocabulary x 4 bytes: 10 in vLLM 0.11 to 0.16, whose sampler sorts, 4.2 from 0.18 on. Besides, large
mixtures of experts hold a copy of the prompt's tokens for each expert chosen, and GPUs that share a model talk. Fitted
on 80 starts of 13 models on H200, B200 and MI300X (ashishkamra/vllm-memory-estimator) and on the logs that
tests/core/kv_sizing/capacity/test_reserve.py lists.
SGLang reserves by rule (arg_groups/memory_hook.py of 0.5.23), llama.cpp allocates a buffer of n_ubatch rows of logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import whole_number
from lm_core.kv_sizing.capacity.budget import Span
from lm_core.kv_sizing.capacity.gpus import Gpu

_GIB, _MIB, _FLOAT, _HALF = 2**30, 2**20, 4, 2
_USUAL_VOCABULARY = 150_000
_LOGITS, _EXPERTS = (3.0, 4.4, 10.5), (0, 1, 2)
_RUNTIME = {1: (0.05, 0.13, 0.4), 2: (0.15, 0.8, 1.4), 4: (0.15, 0.9, 2.6)}
"""GiB that torch does not allocate, from so many GPUs on: runtime and communication."""
_ROCM = (0.0, 0.5, 1.0)  # GiB more of an AMD GPU
_OWN = {
    "deepseek_v4": (
        (0.0, 3.0, 7.0),
        "V4 Pro on eight H200, 9.0 and 12.0 GiB in all; V4 Flash on H100 and MI355X, 4.4, 4.2",
    )
}
_GRAPHS = (0.0, 0.35, 1.3)  # GiB; before 0.20 not counted
_CONTEXT = (0.25, 0.3, 0.5)  # GiB of a CUDA context; 297 MiB beside llama.cpp's own buffers on an A40


@dataclass(frozen=True)
class Part:
    """One part of a reserve, and where its figure is from."""

    name: str
    bytes: Span
    says: str


@dataclass(frozen=True)
class Reserve:
    """On one GPU."""

    parts: tuple[Part, ...]

    @property
    def total(self) -> Span:
        return sum((part.bytes for part in self.parts), Span.exactly(0))

    @classmethod
    def stated(cls, count: int) -> Reserve:
        """What the user has stated, without a spread."""
        return cls((Part("set aside", Span.exactly(whole_number("set aside", count, 0, 1 << 50)), "as stated"),))


def vllm_defaults(gpu: Gpu) -> tuple[int, int]:
    """(max_num_seqs, max_num_batched_tokens) of a vLLM server that is told neither (engine/arg_utils.py of 0.33.0).

    >>> from lm_core.kv_sizing.capacity.gpus import gpu
    >>> vllm_defaults(gpu("H100 80 GB")), vllm_defaults(gpu("A100 80 GB"))
    ((1024, 8192), (256, 2048))
    """
    if gpu.memory >= 160 * _GIB and not gpu.unified:
        return 1024, 16_384
    large = gpu.memory >= 70 * _GIB and "A100" not in gpu.name and not gpu.unified
    return (1024, 8192) if large else (256, 2048)


def estimate(
    engine: str,
    gpu: Gpu,
    vocabulary: int = 0,
    gpus: int = 1,
    n_ubatch: int = 512,
    expert_width: int = 0,
    family: str = "",
) -> Reserve:
    """The reserve of an engine by its name, on each of so many GPUs that share a model. Vocabulary 0: not known.

    `expert_width`: experts chosen for a token x hidden size, of a mixture of experts. `family`: as in its config.

    >>> from lm_core.kv_sizing.capacity.gpus import gpu
    >>> total = estimate("vLLM", gpu("H100 80 GB"), vocabulary=128_256).total
    >>> [round(each / 2**30, 1) for each in (total.least, total.likely, total.most)]
    [1.5, 2.6, 6.8]
    """
    whole_number("gpus", gpus, 1, 4096)
    parts = _parts(engine, gpu, vocabulary, gpus, n_ubatch, whole_number("expert_width", expert_width, 0, 1 << 30))
    own = [_part("sparse attention’s workspaces", *_OWN[family])] if engine == "vLLM" and family in _OWN else []
    return Reserve((*parts, *own, *([_MACHINE] if gpu.unified else [])))


def _parts(engine: str, gpu: Gpu, vocabulary: int, gpus: int, n_ubatch: int, expert_width: int) -> list[Part]:
    words = vocabulary or _USUAL_VOCABULARY
    guessed = "" if vocabulary else f"; a vocabulary of {words:,} assumed"
    if engine == "vLLM":
        return _vllm(gpu, words, gpus, expert_width, guessed)
    if engine == "SGLang":
        return [_sglang(gpu, gpus)]
    if engine in ("llama.cpp", "Ollama"):
        logits = n_ubatch * words * _FLOAT
        buffer = Span(logits, logits * 11 // 10 + 40 * _MIB, 2 * logits + 256 * _MIB)
        says = f"n_ubatch {n_ubatch:,} x {words:,} tokens x 4 B and what the layers add{guessed}"
        return [Part("compute buffer", buffer, says), _part("CUDA context", _CONTEXT, "297 MiB on an A40")]
    if engine == "TensorRT-LLM":
        says = "72 starts of Qwen3 32B and Llama 3.1 8B on H100 and GB300 (ai-dynamo/aiconfigurator)"
        return [_part("activations and runtime", (2.5, 4.5, 6.5), says)]
    if engine == "transformers":
        return [_part("CUDA context and activations", (0.5, 1.5, 4.0), "no measurement: an assumption")]
    if engine == "MLX":
        return [_part("buffers", (0.2, 0.7, 2.0), "no measurement: an assumption")]
    return []


def _vllm(gpu: Gpu, vocabulary: int, gpus: int, expert_width: int, guessed: str) -> list[Part]:
    sequences, tokens = vllm_defaults(gpu)
    row = sequences * vocabulary * _FLOAT
    says = f"max_num_seqs {sequences:,} x {vocabulary:,} tokens x 4 B, {_LOGITS[0]:g} to {_LOGITS[2]:g} times{guessed}"
    runtime = _part(
        "communication and runtime" if gpus > 1 else "runtime",
        next(gib for least, gib in reversed(_RUNTIME.items()) if gpus >= least),
        "starts on one, two, four and eight GPUs",
    )
    experts = tokens * expert_width * _HALF
    return [
        Part("activation peak", Span(*(round(each * row) for each in _LOGITS)), says),
        *([Part("experts", Span(*(each * experts for each in _EXPERTS)), _of_experts(tokens))] if experts else []),
        runtime,
        *([_part("ROCm", _ROCM, "starts on MI300X beside the same on H200")] if gpu.name.startswith("MI") else []),
        _part("CUDA graphs", _GRAPHS, "starts of vLLM 0.20 and later"),
    ]


def _of_experts(tokens: int) -> str:
    return f"up to twice max_num_batched_tokens {tokens:,} x experts chosen x hidden size x 2 B"


def _sglang(gpu: Gpu, gpus: int) -> Part:
    """`mem_fraction_static` as 0.5.23 chooses it; newer starts that measure behind their graphs keep less."""
    total = gpu.memory // _MIB
    tokens, batch = next((t, b) for limit, t, b in _SGLANG_SIZES if total < limit * 1024)
    if gpus >= 4 and 20 * 1024 <= total < 160 * 1024:
        batch = 512 if total >= 60 * 1024 else 160
    slack = gpus * 1024 // 8
    kept = 512 + tokens * 3 // 2 + slack + 2 * batch
    kept = max(kept, 10 * 1024) if total > 60 * 1024 else kept
    says = f"512 MiB + 1.5 MiB x {tokens:,} tokens of a prefill chunk + graphs; at least 10 GiB above 60"
    return Part("kept free by SGLang’s rule", Span((1536 + slack) * _MIB, kept * _MIB, kept * _MIB * 23 // 20), says)


_SGLANG_SIZES = (  # below so many GiB: tokens of a prefill chunk, largest batch of its graphs
    (20, 2048, 8), (35, 4096, 48), (60, 4096, 32), (90, 8192, 256), (160, 8192, 256), (1 << 20, 16_384, 512),
)  # fmt: skip


def _part(name: str, gib: tuple[float, float, float], says: str) -> Part:
    return Part(name, Span(*(round(each * _GIB) for each in gib)), says)


_MACHINE = _part(
    "the rest of the machine", (0.0, 2.5, 9.0),
    "memory is shared with the processor, whose file cache counts as taken: ten starts on DGX Spark",
)  # fmt: skip

"""Formats in which weights are stored: bits for one weight, scales included, and which matrices keep 16 bits.

Sources: ggml's block structs (gguf-py, GGML_QUANT_SIZES) and, for mixes such as Q4_K_M, the average that llama.cpp's
tools/quantize/README.md measures on Llama 3.1 8B; fp8 in blocks of 128 x 128 with an f32 scale (DeepSeek V3);
MXFP4: 32 values and an 8-bit exponent (OCP MX); NVFP4: 16 values and an fp8 scale; AWQ and GPTQ: 128 values, a 16-bit
scale and a 4-bit zero point; bitsandbytes NF4: 64 values and an f32 scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.weights.parameters import Parameters

GGUF = "gguf"
EXPERTS = "experts"


@dataclass(frozen=True)
class WeightFormat:
    """`bits` for one weight of what is quantised.

    `covers`: "all" weights; "matrices", embeddings and output layer staying in 16 bits; "experts" alone; "gguf": the
    average over a whole file, whose embeddings are quantised, too. `spread`: how far published files stray, a share.
    """

    name: str
    bits: float
    covers: str
    says: str
    spread: float = 0.01

    def bytes(self, count: Parameters) -> int:
        """Of all weights of a model.

        >>> eight = Parameters(total=8_030_261_248, unquantised=2 * 128_256 * 4096)
        >>> FORMATS["bf16"].bytes(eight), FORMATS["fp8"].bytes(eight)  # published: 16,060,522,496 and 9,081,280,648
        (16060522496, 9082638401)
        """
        return round(self._share(count, count.total))

    def read(self, count: Parameters, tokens: int) -> int:
        """Of the weights that a step of so many tokens reads, expected: see Parameters.read.

        >>> moe = Parameters(total=1_100, active=300, experts=10, chosen=2)
        >>> FORMATS["bf16"].read(moe, 1), FORMATS["bf16"].read(moe, 1000)
        (600, 2200)
        """
        return round(self._share(count, count.read(tokens)))

    def _share(self, count: Parameters, weights: int) -> float:
        """Bytes of `weights` parameters; those missing of the total are experts, or the input embeddings."""
        missing = count.total - weights
        if self.covers == EXPERTS:
            shared = count.total - count.routed - min(missing, count.embedding)
            return 2 * shared + (weights - shared) * self.bits / 8
        if self.covers == "matrices":
            kept = max(0, count.unquantised - min(missing, count.embedding))
            return 2 * kept + (weights - kept) * self.bits / 8
        return weights * self.bits / 8


FORMATS = {
    each.name: each
    for each in (
        WeightFormat("bf16", 16, "all", "bf16, f16 (16 bits)", 0.005),
        WeightFormat("f32", 32, "all", "f32 (32 bits)", 0.005),
        WeightFormat("fp8", 8 + 32 / 128**2, "matrices", "fp8 (8 bits)", 0.02),
        WeightFormat("int8", 8, "matrices", "int8 (8 bits)", 0.02),
        WeightFormat("int4", 4 + 20 / 128, "matrices", "int4 (AWQ, GPTQ)", 0.04),
        WeightFormat("nf4", 4 + 32 / 64, "matrices", "nf4 (bitsandbytes)", 0.04),
        WeightFormat("nvfp4", 4 + 8 / 16, "matrices", "nvfp4 (4 bits)", 0.1),
        WeightFormat("mxfp4", 4 + 8 / 32, EXPERTS, "mxfp4 (experts alone)", 0.02),
        WeightFormat("Q8_0", 8.5008, GGUF, "Q8_0 (GGUF)"),
        WeightFormat("Q6_K", 6.5633, GGUF, "Q6_K (GGUF)", 0.02),
        WeightFormat("Q5_K_M", 5.7036, GGUF, "Q5_K_M (GGUF)", 0.03),
        WeightFormat("Q5_K_S", 5.5704, GGUF, "Q5_K_S (GGUF)", 0.03),
        WeightFormat("Q4_K_M", 4.8944, GGUF, "Q4_K_M (GGUF)", 0.03),
        WeightFormat("Q4_K_S", 4.6672, GGUF, "Q4_K_S (GGUF)", 0.03),
        WeightFormat("Q4_0", 4.608, GGUF, "Q4_0 (GGUF)", 0.03),  # Gemma 3 27B: 14.49 GiB for 27.01e9 weights
        WeightFormat("Q4_0 QAT", 4.5, "matrices", "Q4_0 QAT (GGUF)"),
        WeightFormat("IQ4_NL", 4.6818, GGUF, "IQ4_NL (GGUF)", 0.03),
        WeightFormat("IQ4_XS", 4.4597, GGUF, "IQ4_XS (GGUF)", 0.03),
        WeightFormat("Q3_K_L", 4.2979, GGUF, "Q3_K_L (GGUF)", 0.04),
        WeightFormat("Q3_K_S", 3.6429, GGUF, "Q3_K_S (GGUF)", 0.04),
        WeightFormat("IQ3_M", 3.7628, GGUF, "IQ3_M (GGUF)", 0.05),
        WeightFormat("Q2_K", 3.1593, GGUF, "Q2_K (GGUF)", 0.05),
    )
}


def weight_format(name: object) -> WeightFormat:
    """The format of that name, or InvalidInput that lists the names there are."""
    if not isinstance(name, str) or name not in FORMATS:
        raise InvalidInput("weight format", f"one of {', '.join(FORMATS)}", name)
    return FORMATS[name]

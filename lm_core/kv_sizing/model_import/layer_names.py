"""The kinds of layers under the names that model files give them; a name that is not known is passed on as it is."""

from __future__ import annotations

FULL, SLIDING, CHUNKED, CROSS, NOTHING = "full", "sliding", "chunked", "cross", "nothing"
MAMBA, MAMBA_2, LINEAR, KDA, LIGHTNING, CONV, LRU = "mamba", "mamba2", "linear", "kda", "lightning", "conv", "rg_lru"
BESIDE, ATTENTION, SPARSE, UNASSIGNED = "mamba beside attention", "attention", "sparse", "unassigned"
COMPRESSED, POOLED = "compressed_sparse_attention", "heavily_compressed_attention"

_NAMES = {
    FULL: ("full_attention", "full", "global", "global_attention", "*", "softmax", "softmax_attention"),
    ATTENTION: ("attention", "attn", "self_attention", "mha", "gqa"),  # has a window where the file states one
    SLIDING: ("sliding_attention", "sliding", "local", "local_attention", "swa", "sliding_window", "window"),
    CHUNKED: ("chunked_attention", "chunked"),
    SPARSE: ("deepseek_sparse_attention", "indexed_attention", "sparse_attention", "minimax_m3_sparse"),
    NOTHING: ("mlp", "moe", "-", "e", "no_op", "none", "ffn"),
    BESIDE: ("hybrid",),  # attention and Mamba side by side in one layer
    MAMBA: ("mamba", "mamba1", "m", "ssm"),
    MAMBA_2: ("mamba2",),
    LINEAR: ("linear_attention", "gated_delta_net", "gated_deltanet", "linear"),
    KDA: ("kda", "kimi_delta_attention"),
    LIGHTNING: ("lightning", "lightning_attention"),
    CONV: ("conv", "short_conv", "shortconv"),
    LRU: ("recurrent", "rg_lru", "rglru"),
    CROSS: ("cross_attention",),
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names}
_LETTERS = {"l": SLIDING, "s": SLIDING, "g": FULL, "f": FULL, "t": FULL, "a": ATTENTION}


def kind(name: str) -> str:
    """The kind of layer of that name.

    >>> kind("Sliding_Attention"), kind("ring_attention")
    ('sliding', 'ring_attention')
    """
    return _KINDS.get(name.lower(), name)


def letter(name: str) -> str:
    """The same for layouts of short names, in which one letter stands for a layer.

    >>> letter("L"), letter("M"), letter("t"), letter("m2d")
    ('sliding', 'mamba', 'full', 'm2d')
    """
    return _LETTERS.get(name.lower(), kind(name))

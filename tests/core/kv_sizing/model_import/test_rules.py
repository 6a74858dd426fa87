"""Each rule by which layers are read, on at least ten configs of other names and depths, counted by hand."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lm_core.kv_sizing import Geometry, from_config
from lm_core.kv_sizing.geometry import NOT_KNOWN

Config = dict[str, Any]
Expected = dict[tuple[Any, ...], int]
Siblings = Iterator[tuple[Config, Expected]]
DEPTHS = (4, 6, 8, 12, 16, 18, 24, 30, 32, 36, 48, 60)
SHAPE = {"num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 512}  # 2 x (64+64)
FULL, SLIDING = ("full", 2, 64, 64, 0), ("sliding", 2, 64, 64, 512)
MAMBA_SIZES = {"mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2}
STATE = ("state", 1024 * 16, 1024, 4)


def found(model: Geometry) -> Expected:
    """Layers of each shape; a state by its sizes, anything pooled by its tokens a row."""
    counted: Counter[tuple[Any, ...]] = Counter()
    for group in model.groups:
        if group.kind == "state":
            key: tuple[Any, ...] = ("state", group.state_values, group.conv_channels, group.conv_kernel)
        elif group.kind == "unknown":
            key = ("unknown", group.label)
        else:
            key = (group.kind, group.kv_heads, group.k_dim, group.v_dim, group.window)
            key += (group.tokens_per_row,) if group.tokens_per_row > 1 else ()
        counted[key] += group.layers
    return dict(counted)


def plain(depth: int, **own: Any) -> Config:
    return {"num_hidden_layers": depth, **SHAPE, **own}


def decoders() -> Siblings:
    """The decoder's depth, not the encoder's, under every spelling; cross-attention to 100 positions beside it."""
    heads = {"hidden_size": 512, "is_encoder_decoder": True, "max_source_positions": 100}
    spellings = [
        ("decoder_layers", "decoder_attention_heads"), ("num_decoder_layers", "num_heads"),
        ("decoder_num_hidden_layers", "decoder_num_attention_heads"), ("n_decoder_layers", "n_heads"),
    ]  # fmt: skip
    for depth, (layers, name) in zip(DEPTHS, spellings * 3, strict=True):
        config = {**heads, layers: depth, name: 8, "encoder_layers": 2 * depth, "num_hidden_layers": 2 * depth}
        yield config, {("full", 8, 64, 64, 0): depth, ("cross", 8, 64, 64, 100): depth}


def nested_decoders() -> Siblings:
    """A decoder described in a part of its own; the length of its encoder from the part beside it."""
    for depth, part in zip(DEPTHS, ["decoder", "decoder_config", "text_config"] * 4, strict=True):
        encoder = {"num_hidden_layers": 3, "max_position_embeddings": 200}
        config = {"is_encoder_decoder": True, "encoder": encoder, part: plain(depth)}
        yield config, {FULL: depth, ("cross", 2, 64, 64, 200): depth}


def two_attentions() -> Siblings:
    latent = {"kv_lora_rank": 128, "qk_rope_head_dim": 32, "qk_nope_head_dim": 64, "v_head_dim": 64}
    for depth in DEPTHS:
        yield (
            {"model_type": "longcat_flash", "num_layers": depth, **SHAPE, **latent},
            {("latent", 1, 128, 32, 0): 2 * depth},
        )


def by_index() -> Siblings:
    """Numbers of the layers with a window, or of those without, under twelve names."""
    local = ("local_layer_ids", "sliding_layers", "swa_layer_indices", "local_attn_layers", "window_layer_ids",
             "sliding_attention_layers")  # fmt: skip
    full = ("full_attn_layer_ids", "global_layers", "global_attn_idxs", "full_attention_layers", "full_layer_indices",
            "global_attention_layer_ids")  # fmt: skip
    for depth, name in zip(DEPTHS, local + full, strict=True):
        every_third = list(range(0, depth, 3))
        many = len(every_third)
        here, others = (SLIDING, FULL) if name in local else (FULL, SLIDING)
        yield plain(depth, sliding_window_size=512, **{name: every_third}), {here: many, others: depth - many}


def by_period() -> Siblings:
    names = ("full_attention_interval", "global_attn_every_n_layers", "global_layer_interval", "layer_switch",
             "full_attention_every", "global_attention_interval", "full_attention_freq", "global_layers_every_n",
             "full_attn_period", "global_attn_frequency", "sliding_window_pattern", "every_n_global")  # fmt: skip
    linear = {"linear_num_heads": 4, "linear_head_dim": 8, "linear_conv_kernel_dim": 4}
    for depth, name in zip(DEPTHS, names, strict=True):
        if name == "full_attention_interval":
            state = ("state", 4 * 8 * 8, 3 * 4 * 8, 4)
            yield plain(depth, **{name: 2}, **linear), {state: depth // 2, FULL: depth // 2}
        else:
            yield plain(depth, sliding_window=512, **{name: 2}), {SLIDING: depth // 2, FULL: depth // 2}


def by_letters() -> Siblings:
    """Patterns that repeat: local and global, sliding and full, short and long."""
    patterns = {"LG": 1, "LLLG": 3, "LLLLLG": 5, "SF": 1, "SSSL": 3, "SL": 1, "llg": 2, "SG": 1, "LLG": 2, "SSF": 2,
                "SSL": 2}  # fmt: skip
    for depth, (pattern, local) in zip((12,) * 11, patterns.items(), strict=True):
        many = depth * local // len(pattern)
        key = "window_pattern" if pattern.startswith("SS") else "sliding_window_pattern"
        yield plain(depth, sliding_window=512, **{key: pattern}), {SLIDING: many, FULL: depth - many}


def lists_with_drafts() -> Siblings:
    """Lists that also count one to three draft layers, which only speculative decoding keeps."""
    for number, depth in enumerate(DEPTHS):
        drafts = 1 + number % 3
        kinds = ["sliding_attention", "full_attention"] * (depth // 2) + ["full_attention"] * drafts
        name = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers", "num_mtp_modules")[number % 4]
        yield plain(depth, layer_types=kinds, sliding_window=512, **{name: drafts}), {
            SLIDING: depth // 2, FULL: depth // 2
        }  # fmt: skip


def cross_in_a_decoder() -> Siblings:
    for depth in DEPTHS:
        here = list(range(1, depth, 4))
        vision = {"max_num_tiles": 2, "image_size": 28, "patch_size": 14}  # 2 x (2 x 2 + 1) positions
        config = {"vision_config": vision, "text_config": plain(depth, cross_attention_layers=here)}
        yield config, {FULL: depth - len(here), ("cross", 2, 64, 64, 10): len(here)}


def samba_y() -> Siblings:
    for depth in DEPTHS:
        half = depth // 2
        config = plain(depth, mb_per_layer=2, sliding_window=512, **MAMBA_SIZES)
        yield config, {STATE: -(-half // 2) + 1, **({SLIDING: half // 2} if half > 1 else {}), FULL: 1}


def shared_caches() -> Siblings:
    """Neighbours that share (with the switch on and off), the last layers that read others', named sources."""
    for number, depth in enumerate(DEPTHS):
        variants = (
            ({"use_cla": True, "cla_share_factor": 2}, depth // 2),
            ({"use_cla": False, "cla_share_factor": 2}, depth),
            ({"num_kv_shared_layers": depth // 4}, depth - depth // 4),
            ({"kv_source_layers": [i - i % 2 for i in range(depth)]}, depth // 2),
        )
        own, kept = variants[number % 4]
        yield plain(depth, **own), {FULL: kept}


def every_second_another() -> Siblings:
    for number, depth in enumerate(DEPTHS):
        if number % 2:
            config = plain(depth, attn_layer_period=2, attn_layer_offset=1, **MAMBA_SIZES)
            yield config, {STATE: depth // 2, FULL: depth // 2}
        else:
            sizes = {"mamba_num_heads": 4, "mamba_d_state": 16, "mamba_d_conv": 4, "hidden_size_per_head": 64}
            config = plain(depth, mamba_step=2, mamba_enabled=True, attention_window_size=512, **sizes)
            yield config, {("state", 4 * 64 * 16, 256, 4): depth // 2, SLIDING: depth // 2}


def short_names() -> Siblings:
    """Layouts of letters and short names; what is not known is a row to be assigned."""
    for number, depth in enumerate(DEPTHS):
        half = depth // 2
        if number % 3 == 0:
            yield plain(depth, hybrid_block_layout=["t", "m2d"] * half), {FULL: half, ("unknown", "m2d"): half}
        elif number % 3 == 1:
            yield plain(depth, block_layout=["g", "l"] * half, sliding_window=512), {FULL: half, SLIDING: half}
        else:
            config = plain(depth, hybrid_override_pattern="M*" * half, **MAMBA_SIZES)
            yield config, {STATE: half, FULL: half}


def index_keys() -> Siblings:
    names = ("index_head_dim", "sparse_index_dim", "indexer_head_dim", "index_dim", "indexer_dim", "index_key_dim")
    for depth, name in zip(DEPTHS, 2 * names, strict=True):
        yield plain(depth, **{name: 96}), {FULL: depth, ("indexer", 1, 96, 0, 0): depth}


def heads_and_windows() -> Siblings:
    """KV heads and windows under other names, and heads that differ by layer."""
    heads = ("n_head_kv", "n_kv_heads", "num_kv_heads", "n_kv_head", "kv_heads", "num_heads_kv", "num_query_groups",
             "num_attention_groups")  # fmt: skip
    bare = {"num_attention_heads": 8, "hidden_size": 512}
    for depth, name in zip(DEPTHS, heads, strict=False):
        yield {"num_hidden_layers": depth, **bare, name: 2}, {FULL: depth}
    windows = ("attention_window_size", "window_size", "sliding_window_size", "swa_window_size", "local_window_size")
    for depth, name in zip(DEPTHS, windows, strict=False):
        yield plain(depth, **{name: 512}), {SLIDING: depth}
    for depth in DEPTHS[:4]:
        config = {"num_hidden_layers": depth, **bare, "num_key_value_heads": [2, 4] * (depth // 2)}
        yield config, {FULL: depth // 2, ("full", 4, 64, 64, 0): depth // 2}


def latents() -> Siblings:
    for depth, rope in zip(DEPTHS, (0, 32) * 6, strict=True):
        config = plain(depth, kv_lora_rank=256, qk_rope_head_dim=rope, qk_nope_head_dim=64, v_head_dim=64)
        yield config, {("latent", 1, 256, rope, 0): depth}


def compressed() -> Siblings:
    """A window of rows in every layer, one row for 4 or 128 tokens in most, an index key beside the first kind."""
    own = {"num_attention_heads": 8, "hidden_size": 512, "head_dim": 128, "index_head_dim": 32, "sliding_window": 512}
    for depth in DEPTHS:
        ratios = [0] * (depth - 3) + [4, 4, 128]
        window, many = ("latent", 1, 128, 0, 512), ("latent", 1, 128, 0, 0)
        yield {"num_hidden_layers": depth, **own, "compress_ratios": ratios}, {
            window: depth, (*many, 4): 2, (*many, 128): 1, ("indexer", 1, 32, 0, 0, 4): 2
        }  # fmt: skip


def states_without_growth() -> Siblings:
    """Mamba, Mamba 2, RWKV, xLSTM, RG-LRU: a state by the formula of each."""
    for number, depth in enumerate(DEPTHS):
        models: tuple[tuple[Config, tuple[Any, ...]], ...] = (
            ({"model_type": "mamba", "state_size": 16, "conv_kernel": 4, "expand": 2}, STATE),
            ({"model_type": "mamba2", "num_heads": 8, "head_dim": 64, "state_size": 16, "n_groups": 2,
              "conv_kernel": 4}, ("state", 8 * 64 * 16, 8 * 64 + 2 * 2 * 16, 4)),
            ({"model_type": "rwkv", "attention_hidden_size": 512}, ("state", 3 * 512, 512, 3)),
            ({"model_type": "rwkv7", "head_size": 64}, ("state", 512 * 64, 512, 3)),
            ({"model_type": "xlstm", "num_heads": 4}, ("state", 4 * (64 * 128 + 64 + 1), 0, 0)),
            ({"block_types": ["recurrent"], "lru_width": 640, "conv1d_width": 4}, ("state", 640, 512, 4)),
        )  # fmt: skip
        own, state = models[number % 6]
        yield {"num_hidden_layers": depth, "hidden_size": 512, **own}, {state: depth}


RULES: list[Callable[[], Siblings]] = [
    decoders, nested_decoders, two_attentions, by_index, by_period, by_letters, lists_with_drafts, cross_in_a_decoder,
    samba_y, shared_caches, every_second_another, short_names, index_keys, heads_and_windows, latents, compressed,
    states_without_growth,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_on_at_least_ten_siblings(rule: Callable[[], Siblings]) -> None:
    siblings = list(rule())
    assert len(siblings) >= 10
    for config, expected in siblings:
        model = from_config(config)
        assert found(model) == expected, config
        unknown = any(key[0] == "unknown" for key in expected)
        assert (model.reading == NOT_KNOWN) == unknown, (config, model.not_understood)

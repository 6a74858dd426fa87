"""Milliseconds of each step with and without a KV cache; bytes against length for MHA, GQA and MQA."""

from collections.abc import Mapping, Sequence
from math import log10

import plotly.graph_objects as go

from lm_core.generation.cache_benchmark import CacheStep
from pages.shared.palette import DASHES, figure, plain

_TEAL, _GREY = "#00818a", "#8a8f98"


def times(steps: Sequence[CacheStep], labels: Sequence[str], wanted: int, stage: bool, height: int) -> go.Figure:
    """Two bars for each new token, on an axis that has room for all `wanted`; the text names which is which."""
    drawn = figure("new token, in the order they were made", "milliseconds", height=height)
    places = list(range(1, len(steps) + 1))
    for name, colour, values in (
        ("with the cache", _TEAL, [1000 * s.seconds for s in steps]),
        ("without", _GREY, [1000 * s.seconds_without for s in steps if s.seconds_without is not None]),
    ):
        if values:
            pattern = "/" if colour == _GREY else ""
            drawn.add_bar(
                x=places[: len(values)], y=values, name=name, marker={"color": colour, "pattern": {"shape": pattern}},
                hovertemplate=f"{name}: %{{y:.1f}} ms",
            )  # fmt: skip
    shown = [plain(text if len(text) <= 12 else f"{text[:11]}…") for text in labels]
    ticks = [f"{place} {text}" for place, text in zip(places, shown)] + [
        str(n) for n in range(len(steps) + 1, wanted + 1)
    ]
    size = {"size": 24} if stage else {}
    drawn.update_xaxes(
        tickvals=list(range(1, wanted + 1)), ticktext=ticks, range=[0.4, wanted + 0.6], tickangle=-40, tickfont=size,
        title_font=size,
    )  # fmt: skip
    drawn.update_yaxes(rangemode="tozero", tickfont=size, title_font=size)
    return drawn.update_layout(
        showlegend=True, barmode="group", bargap=0.25,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": size},
    )  # fmt: skip


def built_otherwise(sizes: Mapping[str, Sequence[int]], lengths: Sequence[int], weights: int) -> go.Figure:
    """One line for each way of sharing keys and values, named at its end, against the weights."""
    drawn = figure("tokens in the cache", "MiB", height=320)
    for (name, values), dash in zip(sizes.items(), DASHES):
        mebi = [value / 2**20 for value in values]
        drawn.add_scatter(
            x=list(lengths), y=mebi, mode="lines", name=name, line={"color": _TEAL, "dash": dash},
            hovertemplate=f"{name}: %{{y:,.2f}} MiB",
        )  # fmt: skip
        end = {"x": log10(lengths[-1]), "y": log10(mebi[-1]), "xanchor": "left", "xshift": 8, "showarrow": False}
        drawn.add_annotation(**end, text=name)
    drawn.add_hline(
        y=weights / 2**20, line_dash="dash", line_width=1, line_color="#808080", annotation_text="all weights",
        annotation_position="top left",
    )  # fmt: skip
    drawn.update_xaxes(type="log", tickvals=list(lengths[::2]), ticktext=[f"{n:,}" for n in lengths[::2]])
    return drawn.update_yaxes(type="log", tickformat=",~f").update_layout(margin={"l": 60, "r": 70})

"""Size of a KV cache against length, both in powers of two, with the weights for comparison."""

from collections.abc import Sequence
from math import log10

import plotly.graph_objects as go

from lm_core.kv_sizing import Curve
from pages.shared.palette import DASHES, figure

_TEAL = "#00818a"


def growth(curves: Sequence[Curve], context: int, total: int, weights: int, stage: bool) -> go.Figure:
    """One line for each number of sequences, named at its end; the question asked is a dot. `stage`: in large type."""
    drawn = figure("tokens for each user", "KV cache, GiB", height=340)
    for curve, dash in zip(curves, DASHES):
        sizes = [each / 2**30 for each in curve.totals]
        name = _many(curve.sequences)
        drawn.add_scatter(
            x=curve.contexts, y=sizes, mode="lines", name=name, line={"color": _TEAL, "dash": dash},
            hovertemplate=f"{name}: %{{y:.4g}} GiB",
        )  # fmt: skip
        # At the last point but one: plotly hides a name whose place rounds to beyond the axis.
        end = {"x": _place(curve.contexts[-2]), "y": _place(sizes[-2]), "xanchor": "right", "yanchor": "bottom"}
        drawn.add_annotation(**end, text=name, showarrow=False)
    drawn.add_scatter(
        x=[context], y=[total / 2**30], mode="markers", marker={"color": "#b45309", "size": 11},
        hovertemplate="your question: %{y:.4g} GiB",
    )  # fmt: skip
    if weights:
        ends = [curves[0].contexts[0], curves[0].contexts[-1]]
        drawn.add_scatter(
            x=ends, y=[weights / 2**30] * 2, mode="lines", line={"color": "#808080", "dash": "dash", "width": 1},
            hovertemplate="weights: %{y:.4g} GiB",
        )  # fmt: skip
        place = {"x": _place(ends[0]), "y": _place(weights / 2**30), "xanchor": "left", "yanchor": "bottom"}
        drawn.add_annotation(**place, text="weights", showarrow=False)
    if stage:
        size = {"size": 24}
        drawn.update_layout(font=size, height=360).update_annotations(font_size=24)
        drawn.update_xaxes(tickfont=size, title_font=size).update_yaxes(tickfont=size, title_font=size)
    ticks = list(curves[0].contexts[::2])
    drawn.update_xaxes(type="log", tickvals=ticks, ticktext=[_short(n) for n in ticks])
    drawn.update_yaxes(type="log", tickformat=",~f", dtick=1 if stage else "D2")  # D2: 1, 2 and 5 of each decade
    return drawn.update_layout(margin={"l": 60, "r": 15, "t": 30})


def over_sequences(curve: Curve, sequences: int, total: int, weights: int, stage: bool) -> go.Figure:
    """The same at one length for more and more sequences."""
    drawn = growth([curve], sequences, total, weights, stage)
    return drawn.update_xaxes(title_text="users at once", ticktext=[f"{n:,}" for n in curve.contexts[::2]])


def _many(sequences: int) -> str:
    return f"{sequences:,} user{'s' if sequences != 1 else ''}" if sequences else "KV cache"


def _place(value: float) -> float:
    """Where plotly wants an annotation on a logarithmic axis."""
    return log10(value)


def _short(tokens: int) -> str:
    return f"{tokens // 2**20}M" if tokens >= 2**20 else f"{tokens // 1024}k" if tokens >= 1024 else str(tokens)

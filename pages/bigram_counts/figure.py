"""Held-out perplexity against k."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import LINES, figure


def over_k(ks: Sequence[float], perplexities: Sequence[float], best: float, now: float) -> go.Figure:
    """One line over the k above 0, both axes logarithmic; the best k is marked, and the one on the page."""
    shown = [(k, p) for k, p in zip(ks, perplexities) if k > 0 and math.isfinite(p)]
    drawn = figure("k added to every count (logarithmic)", "held-out perplexity per token", height=300)
    drawn.add_scatter(
        x=[k for k, _ in shown], y=[p for _, p in shown], mode="lines+markers",
        line={"color": LINES[2], "dash": "dash"},
        hovertemplate="k = %{x:.4g}: %{y:.4g}<extra></extra>",
    )  # fmt: skip
    marks = {"best": best} | ({"now": now} if now > 0 and now != best else {})
    for name, k in marks.items():
        if k > 0:
            drawn.add_vline(x=k, line_dash="dash", line_width=1, line_color="#808080")
            place = {"x": math.log10(k), "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top"}
            drawn.add_annotation(**place, text=f"{name}: {k:g}", showarrow=False)
    drawn.update_xaxes(type="log", exponentformat="power")
    return drawn.update_yaxes(type="log", exponentformat="power")

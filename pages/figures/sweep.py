"""Probability of a few tokens, and entropy, against temperature."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lm_core.sweep import Sweep
from pages.figures.palette import DASHES, LINES, figure, plain


def probabilities(swept: Sweep, names: Sequence[str], now: float) -> go.Figure:
    """One line a token, named at its right end."""
    drawn = figure("temperature T", "probability, %")
    for name, values, colour, dash in zip(names, swept.probabilities.values(), LINES, DASHES):
        drawn.add_scatter(
            x=swept.temperatures, y=[100 * p for p in values], mode="lines", name=plain(name),
            line={"color": colour, "dash": dash}, hovertemplate="%{y:.3g} %",
        )  # fmt: skip
        drawn.add_annotation(
            x=swept.temperatures[-1], y=100 * values[-1], text=plain(name), xanchor="left", showarrow=False,
            font={"color": colour},
        )  # fmt: skip
    drawn.add_vline(x=now, line={"dash": "dash", "width": 1}, annotation_text=f"T = {now:g}")
    return drawn.update_yaxes(range=[0, 100]).update_layout(margin={"r": 90})


def entropy(swept: Sweep, now: float) -> go.Figure:
    """Entropy in bits."""
    drawn = figure("temperature T", "entropy, bits", height=220)
    drawn.add_scatter(
        x=swept.temperatures, y=swept.entropies, mode="lines", line={"color": LINES[0]}, hovertemplate="%{y:.3f}"
    )
    drawn.add_vline(x=now, line={"dash": "dash", "width": 1}, annotation_text=f"T = {now:g}")
    return drawn.update_yaxes(rangemode="tozero").update_layout(margin={"r": 90})

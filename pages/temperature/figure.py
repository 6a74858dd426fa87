"""Probability of a few tokens, and entropy, against temperature."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lm_core.decoding.temperature_sweep import Sweep
from pages.shared.palette import DASHES, LINES, figure, plain

_DIRECT = 3  # more names at the ends of lines would lie on one another


def probabilities(swept: Sweep, names: Sequence[str], now: float) -> go.Figure:
    """One line a token; a few are named at their right ends, more in a legend."""
    drawn = figure("temperature T", "probability, %")
    for name, values, colour, dash in zip(names, swept.probabilities.values(), LINES, DASHES):
        drawn.add_scatter(
            x=swept.temperatures, y=[100 * p for p in values], mode="lines", name=plain(name),
            line={"color": colour, "dash": dash}, hovertemplate="%{y:.3g} %",
        )  # fmt: skip
        if len(names) <= _DIRECT:
            end = {"x": swept.temperatures[-1], "y": 100 * values[-1], "xanchor": "left", "showarrow": False}
            drawn.add_annotation(**end, text=plain(name), font={"color": colour})
    drawn.update_layout(showlegend=len(names) > _DIRECT)
    drawn.add_vline(x=now, line_dash="dash", line_width=1, annotation_text=f"T = {now:g}", line_color="#808080")
    drawn.update_xaxes(range=[0, swept.temperatures[-1]])
    return drawn.update_yaxes(range=[0, 100]).update_layout(margin={"l": 60, "r": 110})


def entropy(swept: Sweep, now: float) -> go.Figure:
    """Entropy in bits."""
    drawn = figure("temperature T", "entropy, bits", height=220)
    drawn.add_scatter(
        x=swept.temperatures, y=swept.entropies, mode="lines", line={"color": LINES[0]}, hovertemplate="%{y:.3f}"
    )
    drawn.add_vline(x=now, line_dash="dash", line_width=1, annotation_text=f"T = {now:g}", line_color="#808080")
    drawn.update_xaxes(range=[0, swept.temperatures[-1]])
    return drawn.update_yaxes(rangemode="tozero").update_layout(margin={"l": 60, "r": 110})

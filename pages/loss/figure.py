"""Loss of each token as bars; −ln p as a curve with points on it."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import LINES, figure, plain

_READABLE = 40  # more names under bars would lie on one another


def losses(values: Sequence[float], names: Sequence[str], mean: float, stage: bool) -> go.Figure:
    """One bar a token, in order, and the mean as a named line; what is infinite reaches past the rest."""
    finite = [value for value in values if value < math.inf]
    top = 1.15 * max([*finite, 1.0])
    drawn = figure("token", "loss −ln p, nats", height=330 if stage else 260)
    shown = [value if value < math.inf else top for value in values]
    places = list(range(1, len(values) + 1))
    labels = [plain(name) for name in names]
    exact = ["infinite" if value == math.inf else f"{value:.4f} nats" for value in values]
    said = [f"{name}: {value}" for name, value in zip(labels, exact)]
    drawn.add_bar(x=places, y=shown, marker_color=LINES[0], hovertext=said, hoverinfo="text")
    if mean < math.inf:
        drawn.add_hline(
            y=mean, line_dash="dash", line_width=1, line_color="#808080", annotation_text=f"mean {mean:.3f}",
            annotation_position="top right",
        )  # fmt: skip
    size = {"size": 24} if stage else {}
    drawn.update_layout(hovermode="closest").update_annotations(font=size)
    if len(names) <= _READABLE:
        drawn.update_xaxes(tickvals=places, ticktext=labels, tickangle=-40)
    drawn.update_xaxes(tickfont=size, title_font=size)
    return drawn.update_yaxes(range=[0, top], tickfont=size, title_font=size)


def curve(probabilities: Sequence[float]) -> go.Figure:
    """−ln p from almost 0 to 1, and where these probabilities stand."""
    xs = [step / 400 for step in range(1, 401)]
    drawn = figure("probability p of the token that came", "loss −ln p, nats", height=280)
    drawn.add_scatter(x=xs, y=[-math.log(x) for x in xs], mode="lines", line={"color": LINES[0]}, hoverinfo="skip")
    inside = [p for p in probabilities if p > 0]
    drawn.add_scatter(
        x=inside, y=[-math.log(p) for p in inside], mode="markers", marker={"color": "#b45309", "size": 9},
        hovertemplate="p = %{x:.3g}: %{y:.4f} nats",
    )  # fmt: skip
    return drawn.update_xaxes(range=[0, 1.02]).update_yaxes(rangemode="tozero")

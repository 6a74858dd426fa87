"""Figures of the training page: several runs in one chart, token vectors in a plane."""

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import DASHES, LINES, figure, plain

Curve = tuple[str, Sequence[int], Sequence[float]]


def losses(curves: Sequence[Curve], baselines: Sequence[tuple[str, float]], steps: int, what: str) -> go.Figure:
    """One line a run; what needs no training, and what cannot be undercut, as named dashed lines."""
    drawn = figure("step", f"{what}, nats per token", height=360)
    for (name, at, nats), colour, dash in zip(curves, LINES, DASHES):
        drawn.add_scatter(
            x=list(at), y=list(nats), mode="lines", name=plain(name), line={"color": colour, "dash": dash},
            hovertemplate="%{y:.4f}",
        )  # fmt: skip
    for name, baseline in baselines:
        drawn.add_hline(y=baseline, line_dash="dash", line_width=1, line_color="#808080")
        place = {"x": 1, "xref": "paper", "xanchor": "right", "y": baseline, "yanchor": "bottom"}
        drawn.add_annotation(**place, text=f"{plain(name)}: {baseline:.4f}", showarrow=False)
    drawn.update_xaxes(range=[0, steps])
    return drawn.update_yaxes(rangemode="tozero").update_layout(showlegend=True, legend={"orientation": "h", "y": 1.12})


def scatter(points: Sequence[Sequence[float]], names: Sequence[str]) -> go.Figure:
    """One named point a token; both axes to the same scale."""
    drawn = figure("first direction", "second direction", height=420)
    drawn.add_scatter(
        x=[x for x, _ in points], y=[y for _, y in points], mode="markers+text", text=[plain(name) for name in names],
        textposition="top center", marker={"color": LINES[2], "size": 6}, hovertemplate="%{text}<extra></extra>",
        textfont={"size": 11},
    )  # fmt: skip
    drawn.update_layout(hovermode="closest")
    return drawn.update_yaxes(scaleanchor="x", scaleratio=1)

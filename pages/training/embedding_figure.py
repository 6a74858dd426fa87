"""Token vectors in two dimensions."""

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import LINES, figure, plain


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

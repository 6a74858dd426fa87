"""One head's attention as a heat map; the final token's rank behind each layer."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.shared.palette import LINES, figure, plain

_READABLE = 30  # more names along an axis would lie on one another


def heat_map(weights: NDArray[np.float32], names: Sequence[str], reader: int, stage: bool) -> go.Figure:
    """Readers downwards, tokens read across; the chosen reader's row is framed."""
    drawn = figure("token read", "reader", height=300 if stage else 460)
    places, labels = list(range(len(names))), [plain(name) for name in names]
    size = {"size": 24} if stage else {}
    drawn.add_heatmap(
        z=np.where(np.tri(len(names), dtype=bool), 100 * weights, np.nan), x=places, y=places, zmin=0, zmax=100,
        colorscale=[[0, "rgba(31,119,180,0.04)"], [1, LINES[0]]],
        customdata=np.array(labels)[None].repeat(len(names), 0),
        hovertemplate="%{customdata}: %{z:.3g} %<extra></extra>",
        colorbar={"title": {"text": "%", "font": size}, "thickness": 10, "tickfont": size},
    )  # fmt: skip
    box = {"x0": -0.5, "x1": len(names) - 0.5, "y0": reader - 0.5, "y1": reader + 0.5}
    drawn.add_shape(**box, line={"color": "#b45309", "width": 2})
    named = {"tickvals": places, "ticktext": labels} if len(names) <= (10 if stage else _READABLE) else {}
    drawn.update_xaxes(**named, tickfont=size, title_font=size, tickangle=-60 if named else 0, showgrid=False)
    drawn.update_yaxes(**named, autorange="reversed", tickfont=size, title_font=size, showgrid=False)
    return drawn.update_layout(hovermode="closest")


def ranks(values: Sequence[int], says: Sequence[str], stage: bool) -> go.Figure:
    """Rank 1 on top, on a logarithmic axis; each layer's own favourite on hover."""
    drawn = figure("behind layer (0: the embeddings)", "rank of the final token", height=360 if stage else 320)
    drawn.add_scatter(
        x=list(range(len(values))), y=list(values), mode="lines+markers", line={"color": LINES[0]},
        customdata=[plain(name) for name in says], hovertemplate="rank %{y:,}; would say %{customdata}",
    )  # fmt: skip
    size = {"size": 24} if stage else {}
    drawn.update_xaxes(tickfont=size, title_font=size)
    return drawn.update_yaxes(
        type="log", autorange="reversed", tickformat=",~f", dtick=1, tickfont=size, title_font=size
    )

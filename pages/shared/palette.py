"""Colours of all figures, each tied to one idea; text and grid follow the light or dark theme."""

import plotly.graph_objects as go

LINES = ("#1f77b4", "#b45309", "#2a8a4a", "#8a4fbf", "#c23b6a", "#5f6b7a", "#7a6a00", "#00818a")
"""Told apart by place and direct label too, never by colour alone."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")


def plain(text: str) -> str:
    """A token as plotly shows it unchanged; plotly would read tags in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def figure(x: str, y: str, height: int = 320) -> go.Figure:
    """An empty figure with its axes named."""
    drawn = go.Figure()
    drawn.update_layout(
        height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10}, showlegend=False, uirevision="kept", hovermode="x",
        dragmode=False,
    )  # fmt: skip
    drawn.update_xaxes(title=x, automargin=True, fixedrange=True)
    drawn.update_yaxes(title=y, automargin=True, fixedrange=True)
    return drawn

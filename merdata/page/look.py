"""How figures look: one palette for cards, pages and reports, and the same bytes for the same figure."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from merdata.errors import MerdataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all kinds of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
GREY = "#999999"  # for what belongs to no class or split
DPI = 144


@dataclass(frozen=True)
class Look:
    """Colours of a page."""

    paper: str
    ink: str
    faint: str
    heat: str


LIGHT = Look("#ffffff", "#1a1a1a", "#c8c8c8", "Blues")
DARK = Look("#16181c", "#e8e8e8", "#4a4e57", "cividis")
Draw = Callable[["Figure", Look], None]


def render_figure(draw: Draw, look: Look, kind: str = "png") -> bytes:
    """The bytes of a figure, as png, pdf or svg.

    Raises:
        MerdataError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MerdataError("figures need matplotlib: pip install 'merdata[report]'") from error
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "figure.facecolor": look.paper, "axes.facecolor": look.paper, "savefig.facecolor": look.paper,
        "text.color": look.ink, "axes.labelcolor": look.ink, "xtick.color": look.ink, "ytick.color": look.ink,
        "axes.edgecolor": look.faint, "grid.color": look.faint, "grid.linewidth": 0.5, "font.size": 9,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "pdf.fonttype": 42,
        "text.parse_math": False, "svg.hashsalt": "merdata", "svg.fonttype": "path",
    }  # fmt: skip
    # Without dates and versions, so that the same figure gives the same bytes.
    metadata: dict[str, Any] = {
        "pdf": {"CreationDate": None},
        "svg": {"Date": None},
        "png": {"Software": None},
    }
    with matplotlib.rc_context(style):
        figure = Figure(layout="constrained", dpi=DPI)
        draw(figure, look)
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, metadata=metadata[kind])
    return stream.getvalue()


def as_picture(draw: Draw) -> dict[str, str]:
    """A figure for light and for dark pages, as data addresses."""
    return {
        name: _data(render_figure(draw, look, "svg")) for name, look in (("light", LIGHT), ("dark", DARK))
    }


def _data(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()

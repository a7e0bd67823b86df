"""How figures look: one palette for cards, pages and reports, and the same bytes for the same figure."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from merdata.errors import MerdataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all kinds of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
GREY = "#999999"  # for what belongs to no class or split
DPI = 144
# Without dates and versions, so that the same figure gives the same bytes.
UNDATED: dict[str, dict[Any, Any]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}


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
    return render_figures(draw, look, (kind,))[kind]


def render_figures(draw: Draw, look: Look, kinds: Sequence[str]) -> dict[str, bytes]:
    """The same for several kinds of file: the figure is drawn and laid out once.

    Raises:
        MerdataError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MerdataError("figures need matplotlib: pip install 'merdata[report]'") from error
    matplotlib.use("Agg")
    from matplotlib.backend_bases import get_registered_canvas_class
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: dict[Any, Any] = {
        "figure.facecolor": look.paper, "axes.facecolor": look.paper, "savefig.facecolor": look.paper,
        "text.color": look.ink, "axes.labelcolor": look.ink, "xtick.color": look.ink, "ytick.color": look.ink,
        "axes.edgecolor": look.faint, "grid.color": look.faint, "grid.linewidth": 0.5, "font.size": 9,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "pdf.fonttype": 42,
        "text.parse_math": False, "svg.hashsalt": "merdata", "svg.fonttype": "path",
    }  # fmt: skip
    with matplotlib.rc_context(style):
        engine = ConstrainedLayoutEngine()
        figure = Figure(layout=engine, dpi=DPI)
        draw(figure, look)
        files: dict[str, bytes] = {}
        for kind in kinds:  # savefig would draw twice
            stream, canvas = io.BytesIO(), get_registered_canvas_class(kind)(figure)
            if not files:
                engine.execute(figure)
                figure.set_layout_engine("none")  # the others have everything where the first has put it
            figure.set_dpi(DPI)  # what came before has set its own
            getattr(canvas, f"print_{kind}")(stream, metadata=UNDATED[kind])
            files[kind] = stream.getvalue()
    return files


def as_picture(draw: Draw, light: bytes | None = None) -> dict[str, str]:
    """A figure for light and for dark pages, as data addresses.

    Args:
        draw: draws it.
        light: the svg for light pages, where there is one already.
    """
    svgs = {"light": light or render_figure(draw, LIGHT, "svg"), "dark": render_figure(draw, DARK, "svg")}
    return {name: _data(svg) for name, svg in svgs.items()}


def _data(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()

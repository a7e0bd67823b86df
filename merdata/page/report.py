"""The page of a store: its figures, ledger and audit, and its utterances to search and listen to."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tqdm import tqdm

from merdata.errors import OptionError
from merdata.io.files import write_folder_atomically, write_text
from merdata.io.names import safe_names
from merdata.io.places import place
from merdata.leakage.audit import Audit, audits
from merdata.page.charts import charts
from merdata.page.clips import DEFAULT_MEGABYTES, sample_clips
from merdata.page.html import html_page, linked_matrix
from merdata.page.look import as_picture
from merdata.page.table import PageColumn
from merdata.stats import NO_SPLIT, UNKNOWN, UNLABELLED, choose_protocol, split_column, statistics
from merdata.store.clips import read_wavs
from merdata.store.protocol import SPLITS
from merdata.store.store import Store, open_store
from merdata.tables import audit as show_audit
from merdata.tables import statistics as show_stats
from merdata.version import __version__

EVERY_CLIP = "all"
COLUMNS = (
    "id", "corpus", "text", "label", "raw_label", "speaker", "gender", "language", "seconds", "notes",
)  # fmt: skip


def write_report(
    store: str | Path | Store,
    out: str | Path,
    *,
    protocol: str | None = None,
    fold: int | str = 0,
    audio: float | str = DEFAULT_MEGABYTES,
    seed: int = 0,
) -> dict[str, Any]:
    """Write the page.

    Args:
        store: the store, or its folder.
        out: the HTML file.
        protocol: whose splits and audit to show (default: `mer` where the store has it, else none).
        fold: of the protocol, by number or name.
        audio: megabytes of clips to put into the page, a seeded sample; or `all`: every clip, as WAV, in a
            folder beside it.
        seed: of the sample.

    Returns:
        `page`, `bytes`, `rows`, `clips` and `folder` (of the clips, or None).

    Raises:
        MerdataError: matplotlib is not installed.
        OptionError: `audio` is neither a number nor `all`.
        SplitError: there is no such protocol or fold.
        StoreError: the store cannot be read, or the page not be written.
    """
    store, out, megabytes = open_store(store), place(out), _size(audio)
    figures = statistics(store, protocol, fold)
    columns = {column.name: column for column in _columns(store, protocol, fold)}
    audit = audits(store, [figures["protocol"]["name"]], near_audio=False) if figures["protocol"] else []
    drawn = [
        as_picture(draw) | {"name": name, "about": about}
        for name, about, draw in tqdm(list(charts(figures)), desc="figures", unit="figure", disable=None)
    ]
    folder, clips = out.with_name(f"{out.stem}_audio"), dict[str, str]()
    if megabytes is None:
        names = _write_clips(store, columns["id"].values, folder)
        addresses = {id: quote(f"{folder.name}/{name}") for id, name in names.items()}
    else:
        kinds = zip(columns["corpus"].values, columns["class"].values, strict=True)
        strata = dict(zip(columns["id"].values, kinds, strict=True))
        clips = sample_clips(store, strata, megabytes, seed)
        addresses = {id: id for id in clips}
    clip = PageColumn("clip", "clip", "hidden", [addresses.get(id) for id in columns["id"].values])
    page = html_page(
        files("merdata.page").joinpath("report.html.j2").read_text("utf-8"),
        [*columns.values(), clip],
        clips,
        **_content(figures, audit, drawn),
    )
    write_text(out, page)
    facts = {"page": str(out), "bytes": len(page.encode()), "rows": figures["rows"], "clips": len(addresses)}
    return facts | {"folder": str(folder) if megabytes is None else None}


def _size(audio: float | str) -> float | None:
    """Megabytes, or None for every clip."""
    if audio == EVERY_CLIP:
        return None
    try:
        megabytes = float(audio)
    except ValueError:
        megabytes = -1.0
    if not 0 <= megabytes < float("inf"):
        raise OptionError(
            f"audio is a number of megabytes, or {EVERY_CLIP!r} for every clip, so not {audio!r}"
        )
    return megabytes


def _columns(store: Store, protocol: str | None, fold: int | str) -> Iterator[PageColumn]:
    """The table of utterances, in the order in which the page shows them."""
    chosen = choose_protocol(store, protocol)
    table = store.rows(COLUMNS).select(COLUMNS).to_pandas()
    classes = [*store.space.classes, UNLABELLED]
    yield PageColumn(
        "text", "text", "text", table["text"].astype(object).where(table["text"].notna(), None).tolist()
    )
    yield PageColumn("class", "class", "category", table["label"].fillna(UNLABELLED).tolist(), classes)
    yield PageColumn("raw_label", "raw label", "category", table["raw_label"].tolist())
    if chosen:
        splits = split_column(table["id"], chosen, fold).tolist()
        yield PageColumn("split", "split", "category", splits, [*SPLITS, NO_SPLIT])
    for name in ("corpus", "speaker"):
        yield PageColumn(name, name, "category", table[name].tolist())
    for name in ("gender", "language"):
        yield PageColumn(name, name, "category", table[name].fillna(UNKNOWN).tolist())
    yield PageColumn("seconds", "seconds", "number", [round(float(one), 2) for one in table["seconds"]])
    yield PageColumn("notes", "notes", "notes", table["notes"].tolist())
    yield PageColumn("id", "id", "text", table["id"].tolist())


def _write_clips(store: Store, ids: Any, folder: Path) -> dict[str, str]:
    names = safe_names(ids, ".wav")
    with write_folder_atomically(folder) as temporary:
        for id, wav in tqdm(read_wavs(store, ids), desc="clips", total=len(ids), unit="clip", disable=None):
            path = temporary / names[id]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav)
    return names


def _content(figures: dict[str, Any], audit: list[Audit], drawn: list[dict[str, str]]) -> dict[str, Any]:
    classes = [one["value"] for one in figures["by"]["class"]]
    tables = {
        "corpus": show_stats.corpora(figures),
        "speaker": show_stats.speakers(figures),
        "duration": show_stats.durations(figures),
    } | {name: show_stats.shares(figures, name) for name in show_stats.SHARED}
    return {
        "title": f"{figures['rows']:,} utterances of {len(figures['corpora'])} corpora",
        "version": __version__,
        "figures": figures,
        "hours": show_stats.hours(figures["seconds"]),
        "protocol": show_stats.protocol(figures),
        "corpora": tables.pop("corpus"),
        "drawn": drawn,
        "tables": tables,
        "quantiles": show_stats.quantiles(figures),
        "classes": linked_matrix(figures["cross"]["class by corpus"], classes, "corpus", "class"),
        "ledger": show_stats.ledger(figures),
        "audit": [_audit(one) for one in audit],
    }


def _audit(one: Audit) -> dict[str, Any]:
    return {
        "promises": show_audit.promises(one),
        "broken": bool(one.broken),
        "tables": show_audit.tables(one),
        "lines": [*show_audit.remarks(one), *show_audit.recordings(one)],
    }

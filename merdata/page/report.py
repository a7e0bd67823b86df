"""The page of a store: its figures, ledger and audit, and its utterances to search and to play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

import pyarrow as pa
from tqdm import tqdm

from merdata.asr.against import text_against_audio
from merdata.errors import OptionError
from merdata.io.files import write_folder_atomically, write_text
from merdata.io.names import safe_names
from merdata.io.places import place
from merdata.leakage.audit import Audit, audits
from merdata.leakage.rows import COLUMNS as AUDITED
from merdata.page.against import SHOWN, heard_columns, told
from merdata.page.charts import charts
from merdata.page.clips import DEFAULT_MEGABYTES, sample_clips
from merdata.page.html import html_page, linked_matrix
from merdata.page.look import as_picture
from merdata.page.table import PageColumn, distinct
from merdata.stats import COLUMNS as COUNTED
from merdata.stats import (
    NO_SPLIT,
    UNKNOWN,
    UNLABELLED,
    Figures,
    choose_protocol,
    split_column,
    statistics,
)
from merdata.store.clips import read_wavs
from merdata.store.links import check_output
from merdata.store.protocol import SPLITS, Protocol
from merdata.store.store import Store, open_store
from merdata.tables import audit as audit_tables
from merdata.tables import statistics as statistics_tables
from merdata.version import __version__

EVERY_CLIP = "all"
COLUMNS = (
    "id", "corpus", "text", "label", "raw_label", "speaker", "gender", "language", "seconds", "notes",
)  # fmt: skip


class Page(TypedDict):
    """The account of a written page; `folder` holds its clips, or is None where they are inside the page."""

    page: str
    bytes: int
    rows: int
    clips: int
    folder: str | None


def write_report(
    store: str | Path | Store,
    out: str | Path,
    *,
    protocol: str | None = None,
    fold: int | str = 0,
    audio: float | str = DEFAULT_MEGABYTES,
    seed: int = 0,
    layer: str | None = None,
) -> Page:
    """Write the page.

    Args:
        store: the store, or its folder.
        out: the HTML file.
        protocol: whose splits and audit to show (default: `mer` where the store has it, else none).
        fold: of the protocol, by number or name.
        audio: megabytes of clips to put into the page, a random sample; or `all`: every clip, as WAV, in a
            folder beside the page.
        seed: of the sample.
        layer: transcripts to hold the texts against, as `asr/NAME`; what is suspicious is heard first.

    Raises:
        MerdataError: matplotlib is not installed.
        OptionError: `audio` is neither a number nor `all`.
        SplitError: the protocol or the fold does not exist.
        StoreError: the store cannot be read, or the page cannot be written.
    """
    store, out, megabytes = open_store(store), place(out), _size(audio)
    check_output(store.path, out)
    chosen = choose_protocol(store, protocol)
    store.rows(sorted({*COLUMNS, *COUNTED, *AUDITED}))  # all that is read of it but clips, in one pass
    figures = statistics(store, chosen, fold)
    audit = audits(store, [chosen], near_audio=False) if chosen else []
    against = text_against_audio(store, layer) if layer else None
    drawn = [
        as_picture(draw) | {"name": name, "about": about}
        for name, about, draw in tqdm(list(charts(figures)), desc="figures", unit="figure", disable=None)
    ]
    columns = {column.name: column for column in _columns(store, chosen, fold)}
    suspicious = against.mismatches if against else []
    if layer and against:
        columns |= {column.name: column for column in heard_columns(store, layer, suspicious)}
    ids, folder, clips = store.rows(["id"])["id"].to_pylist(), None, dict[str, str]()
    if megabytes is None:
        folder = out.with_name(f"{out.stem}_audio")
        names = _write_clips(store, ids, folder)
        addresses = {id: quote(f"{folder.name}/{name}") for id, name in names.items()}
    else:
        clips = sample_clips(store, {row.id: row.id for row in suspicious[:SHOWN]}, megabytes / 2, seed)
        left = megabytes - sum(map(len, clips.values())) / 1e6
        clips |= _sample(store, ids, columns, left, seed)
        addresses = {id: id for id in clips}
    page = html_page(
        files("merdata.page").joinpath("report.html.j2").read_text("utf-8"),
        [*columns.values(), PageColumn("clip", "clip", "hidden", [addresses.get(id) for id in ids])],
        clips,
        **_content(figures, audit, drawn),
        against=told(against) if against else None,
    )
    write_text(out, page)
    return Page(
        page=str(out),
        bytes=len(page.encode()),
        rows=figures["rows"],
        clips=len(addresses),
        folder=str(folder) if folder else None,
    )


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
            f"--audio must be a number of megabytes, or {EVERY_CLIP!r} for every clip, and is {audio!r}"
        )
    return megabytes


def _columns(store: Store, chosen: Protocol | None, fold: int | str) -> Iterator[PageColumn]:
    """The table of utterances, in the order in which the page shows its columns."""
    rows = store.rows(COLUMNS)
    classes = [*store.space.classes, UNLABELLED]
    yield PageColumn("text", "text", "text", rows["text"])
    yield PageColumn("class", "class", "category", rows["label"].fill_null(UNLABELLED), classes)
    yield PageColumn("raw_label", "raw label", "category", rows["raw_label"])
    if chosen:
        splits = pa.chunked_array([split_column(rows["id"], chosen, fold)])
        yield PageColumn("split", "split", "category", splits, [*SPLITS, NO_SPLIT])
    for name in ("corpus", "speaker"):
        yield PageColumn(name, name, "category", rows[name])
    for name in ("gender", "language"):
        yield PageColumn(name, name, "category", rows[name].fill_null(UNKNOWN))
    seconds = [round(value, 2) for value in rows["seconds"].to_pylist()]
    yield PageColumn("seconds", "seconds", "number", seconds)
    yield PageColumn("notes", "notes", "notes", rows["notes"])
    yield PageColumn("id", "id", "text", rows["id"])


def _sample(
    store: Store, ids: Sequence[str], columns: Mapping[str, PageColumn], megabytes: float, seed: int
) -> dict[str, str]:
    """Clips of every corpus and class in turn."""
    strata = zip(*(distinct(columns[name].values)[1] for name in ("corpus", "class")), strict=True)
    return sample_clips(store, dict(zip(ids, strata, strict=True)), megabytes, seed)


def _write_clips(store: Store, ids: Sequence[str], folder: Path) -> dict[str, str]:
    names = safe_names(ids, ".wav")
    with write_folder_atomically(folder) as temporary:
        for id, wav in tqdm(read_wavs(store, ids), desc="clips", total=len(ids), unit="clip", disable=None):
            path = temporary / names[id]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav)
    return names


def _content(figures: Figures, audit: list[Audit], drawn: list[dict[str, str]]) -> dict[str, Any]:
    """The variables of the template."""
    classes = [group["value"] for group in figures["by"]["class"]]
    shares = {name: statistics_tables.shares(figures, name) for name in statistics_tables.SHARED}
    return {
        "title": f"{figures['rows']:,} utterances of {len(figures['corpora'])} corpora",
        "version": __version__,
        "figures": figures,
        "hours": statistics_tables.hours(figures["seconds"]),
        "protocol": statistics_tables.protocol(figures),
        "corpora": statistics_tables.corpora(figures),
        "drawn": drawn,
        "tables": shares
        | {
            "speaker": statistics_tables.speakers(figures),
            "duration": statistics_tables.durations(figures),
        },
        "quantiles": statistics_tables.quantiles(figures),
        "classes": linked_matrix(figures["cross"]["class by corpus"], classes, "corpus", "class"),
        "ledger": statistics_tables.ledger(figures),
        "audits": [
            {
                "promises": audit_tables.promises(found),
                "broken": bool(found.broken),
                "tables": audit_tables.tables(found),
                "lines": [*audit_tables.remarks(found), *audit_tables.recordings(found)],
            }
            for found in audit
        ],
    }

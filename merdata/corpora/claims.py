"""Which file a row gets where several claim it, and the files that are nearly named like a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from merdata.corpora.tree import Tree, fits
from merdata.corpora.walk import audio_stem
from merdata.errors import LayoutError
from merdata.utterance import Utterance

# What file managers and browsers make of a name when they copy a file or meet one.
COPY = re.compile(
    r"(?:copy of|kopie von|copie de|copia de) (?P<of>.+)"
    r"|(?P<name>.+?)(?: ?\(\d+\)|[ _-]+(?:copy|kopie|copie|copia)(?: ?\(?\d+\)?)?)",
    re.IGNORECASE,
)
SHORTEST = 7  # letters of a row's name for it to be looked for inside another


def settle(rows: Sequence[Utterance], tree: Tree, endings: Sequence[str]) -> list[Utterance]:
    """The rows, one for each id; further files that claim it are only in the ledger, as duplicates.

    A file in the preferred folder wins, then one in the format of the release (`endings`), then the first.
    `contested` finds those among which nothing but their order decided.

    Raises:
        LayoutError: the metadata has a row twice, or the places of two files say different things of a row.
    """
    groups: dict[str, list[Utterance]] = {}
    for row in rows:
        groups.setdefault(row.id, []).append(row)
    settled: list[Utterance] = []
    for id, own in groups.items():
        if len(own) == 1:
            settled += own
            continue
        sources = {row.source for row in own}
        if len(sources) < len(own) or None in sources:
            raise LayoutError(f"{tree.root}: {id} occurs twice in the metadata: delete one of the two")
        first, *others = sorted(own, key=lambda row: _rank(row, tree, endings))
        _refuse_contradiction(first, others, tree)
        settled += [first, *(_duplicate(row, first) for row in others)]
    return settled


def _refuse_contradiction(first: Utterance, others: Sequence[Utterance], tree: Tree) -> None:
    """Folders may tell a label, a speaker or a split: the order of paths must not choose one."""
    for other in others if not tree.preferred else ():
        for name in ("raw_label", "speaker", "official_split", "text"):
            value, another = getattr(first, name), getattr(other, name)
            if value != another:
                raise LayoutError(
                    f"{tree.root}: {first.source} and {other.source} claim the same row, but its {name} is "
                    f"{value} by one and {another} by the other. Move one away, or name the folder to take: "
                    f"--option {tree.corpus}.prefer=FOLDER"
                )


def _rank(row: Utterance, tree: Tree, endings: Sequence[str]) -> tuple[bool, int]:
    path = PurePosixPath(row.source or "")
    ending = path.suffix.lower()
    return not tree.is_preferred(path), endings.index(ending) if ending in endings else len(endings)


def _duplicate(row: Utterance, first: Utterance) -> Utterance:
    same_format = _ending(row) == _ending(first)
    note = f"{'same file name as' if same_format else 'another format of'} {first.source}, which is kept"
    return row._replace(id=f"{row.id}@{row.source}", excluded="duplicate", notes=(note,))


def _ending(row: Utterance) -> str:
    return PurePosixPath(row.source or "").suffix.lower()


def contested(rows: Sequence[Utterance], tree: Tree) -> list[tuple[str, str]]:
    """Each file that was kept with another of its format that claims the row, where no option decided."""
    kept = {row.id: row for row in rows if row.excluded is None}
    others = [row for row in rows if row.excluded == "duplicate"] if not tree.preferred else []
    pairs = ((kept.get(row.id.removesuffix(f"@{row.source}")), row) for row in others)
    return [(str(one.source), str(row.source)) for one, row in pairs if one and _ending(one) == _ending(row)]


def without_copies(rows: Sequence[Utterance]) -> list[Utterance]:
    """The rows; a file whose name fits only because a pattern has an open end, and is a copy's, is none."""
    copies = [place for place, row in enumerate(rows) if row.source and _original(_stem(row.source))]
    names = {_named(row.source) for row in rows if row.source} if copies else set()
    settled = list(rows)
    for place in copies:
        row, source = rows[place], PurePosixPath(rows[place].source or "")
        original = _original(_stem(str(source)))
        if row.excluded is None and _named(str(source), original) in names:
            why = _copy_of(original + source.suffix)
            settled[place] = row._replace(id=str(source), excluded="stray", notes=(why,))
    return settled


def _stem(source: str) -> str:
    return audio_stem(source[source.rfind("/") + 1 :]) or ""


def _named(source: str, stem: str = "") -> tuple[PurePosixPath, str]:
    """Folder and name without ending, of a file or of one beside it."""
    path = PurePosixPath(source)
    return path.parent, (stem or audio_stem(path.name) or path.name).lower()


def _original(stem: str) -> str:
    """The name of which another is that of a copy; empty if it is none."""
    copy = COPY.fullmatch(stem)
    return (copy["of"] or copy["name"]).strip() if copy else ""


def _copy_of(name: str) -> str:
    return f"named like a copy of {name}: delete it, or give it that name"


def near_misses(
    tree: Tree, name: re.Pattern[str], rows: Sequence[Utterance]
) -> Iterator[tuple[PurePosixPath, str]]:
    """Audio that no row claims and whose name nearly is that of a row, with what to do."""
    claimed = {row.source for row in rows}
    for path in tree.paths:
        if str(path) in claimed or (stem := audio_stem(path.name)) is None:
            continue
        original = _original(stem)
        if fits(name, path.parent, original):
            yield path, _copy_of(original + path.suffix)
        elif "/" in name.pattern:
            continue
        elif (inside := name.search(stem)) and len(inside[0]) >= SHORTEST and inside[0] != stem:
            yield path, f"{inside[0]} is part of its name, but not all: give it that name if it is that clip"

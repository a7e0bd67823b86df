"""The corpus.yaml that the doctor proposes: with its reasons and doubts, and what it would give."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import TypedDict

from merdata.corpora.account import some
from merdata.corpora.declared.load import check_declaration, corpus_of
from merdata.corpora.registry import plain, registry
from merdata.corpora.tree import Tree
from merdata.corpora.walk import audio_stem
from merdata.errors import CorpusNotFound, LayoutError
from merdata.escaping import printable
from merdata.io.strict_yaml import load_yaml
from merdata.own.doctor.beside import Beside, look_beside
from merdata.own.doctor.guess import Guess, guess
from merdata.own.doctor.names import names_of
from merdata.utterance import Utterance

SHOWN = 6  # values of a slot
MOST_PATTERNS = 8
ASKED = "not decided"  # what the one label of a proposal is called that found none


class Outcome(TypedDict):
    """What a proposal would give: `unmatched` are audio files that are no rows."""

    rows: int
    labels: dict[str, int]
    speakers: int
    texts: int
    unmatched: list[str]


@dataclass(frozen=True)
class Proposal:
    """A corpus.yaml as text, and what it would give as it is."""

    text: str
    outcome: Outcome
    doubts: list[str]


def propose(folder: Path) -> Proposal:
    """Look at an unknown folder and propose how to read it; its audio is not decoded.

    Raises:
        CorpusNotFound: the folder does not exist.
        LayoutError: it has no audio.
    """
    if not folder.is_dir():
        raise CorpusNotFound(f"{folder} is not a folder: name the one that holds the recordings")
    tree = Tree.walk(folder)
    paths = [str(path) for path in tree.paths if audio_stem(path.name) is not None]
    if not paths:
        raise LayoutError(f"{folder} has no audio: unpack its archives, or name another folder")
    return propose_for(tree, paths, look_beside(tree, paths))


def propose_for(tree: Tree, paths: Sequence[str], beside: Beside) -> Proposal:
    """As `propose`, of a folder that was walked."""
    told = guess(paths)
    doubts = [*_relevant(told, beside), *beside.doubts]
    text = "\n".join(_lines(tree.root, paths, told, beside, doubts)) + "\n"
    try:
        return Proposal(text, _try(text, tree, paths), doubts)
    except LayoutError as error:  # a cell of a table that its field cannot have
        doubts.append(f"it cannot be read as it is: {error}")
        text = "\n".join(_lines(tree.root, paths, told, beside, doubts)) + "\n"
        nothing: Outcome = {"rows": 0, "labels": {}, "speakers": 0, "texts": 0, "unmatched": list(paths)}
        return Proposal(text, nothing, doubts)


def _relevant(told: Guess, beside: Beside) -> list[str]:
    """The doubts of the names that a table does not settle."""
    settled = [word for word in ("label", "speaker") if word in beside.fields]
    begin = {"label": "no part of the names is an emotion", "speaker": "no part of the names is a speaker"}
    return [doubt for doubt in told.doubts if not any(doubt.startswith(begin[word]) for word in settled)]


def _lines(
    root: Path, paths: Sequence[str], told: Guess, beside: Beside, doubts: Sequence[str]
) -> Iterator[str]:
    """The lines of the file."""
    found = f"{len(paths):,} audio files"
    yield f"# Proposed by `merdata corpora new` for {found}. Look at the lines with a ?, then:"
    yield f"# merdata build --corpus THIS_FILE --source {printable(str(root))}"
    yield from (f"# ? {doubt}" for doubt in doubts)
    yield f"name: {_name(root)}"
    yield f"title: {json.dumps(root.name, ensure_ascii=False)}"
    yield "domain: acted  # ? or conversational"
    yield "languages: []  # ? such as [en]"
    yield 'licence: "not stated"  # ? and `terms`, if it may be uploaded'
    yield f"rows: {max(len(paths), beside.rows)}"
    yield from _id(paths, told, beside)
    if beside.heard:
        yield f"# {beside.heard}"
    if not beside.names_rows:
        yield from _names(paths, told)
    yield from beside.table
    yield "fields:"
    for field, rule in _fields(told, beside).items():
        yield f"  {field}: {rule}"
    yield "labels:  # ? a class, null (without these rows), or keep (rows without a label)"
    yield from _labels(told, beside)


def _id(paths: Sequence[str], told: Guess, beside: Beside) -> Iterator[str]:
    """What tells files of one name apart, where stems repeat, and the spans of a file."""
    span = "_" + "-".join(f"{{{name}}}" for name in ("start", "end") if name in beside.fields)
    template = _way(paths, told) + (span if "start" in beside.fields else "")
    if template != "{stem}":
        yield f'id: "{template}"'


def _way(paths: Sequence[str], told: Guess) -> str:
    """The shortest template of an id that is another for each file."""
    split = [path.rpartition("/") for path in paths]
    stems = [audio_stem(last) or last for _, _, last in split]
    folders = [folder.rpartition("/")[2] for folder, _, _ in split]
    slots = {"speaker": told.speaker, "label": told.label}
    said = {name: [slot.column.get(path, "") for path in paths] for name, slot in slots.items() if slot}
    ways = {"{stem}": [stems], "{folder}/{stem}": [folders, stems]}
    ways["/".join(f"{{{name}}}" for name in (*said, "stem"))] = [*said.values(), stems]
    for template, columns in ways.items():
        if len(set(zip(*columns, strict=True))) == len(paths):
            return template
    return "{path}"


def _names(paths: Sequence[str], told: Guess) -> Iterator[str]:
    patterns = names_of(paths, told) if told.label or told.speaker else ["(?P<stem>.+)"]
    for slot, name in ((told.label, "label"), (told.speaker, "speaker")):
        if slot:
            shown = ", ".join(f"{value} {number:,}" for value, number in slot.values.most_common(SHOWN))
            more = ", ..." if len(slot.values) > SHOWN else ""
            yield f"# {name}: {len(slot.values)} values ({shown}{more}); {slot.why}"
    yield "names:"
    quoted = (pattern.replace("'", "''") for pattern in patterns[:MOST_PATTERNS])
    yield from (f"  - '{pattern}'" for pattern in quoted)


def _fields(told: Guess, beside: Beside) -> dict[str, str]:
    fields = dict(beside.fields)
    if told.label is None and "label" not in fields:
        fields["label"] = "{missing: the names do not say it}  # ?"
    if told.speaker is None and "speaker" not in fields:
        fields["speaker"] = "{missing: the names do not say it}  # ?"
    if "text" not in fields:
        fields["text"] = "{missing: no transcripts were found}"
    return fields


def _labels(told: Guess, beside: Beside) -> Iterator[str]:
    named = beside.labels or told.labels
    for raw, target in named.items():
        quoted = json.dumps(raw, ensure_ascii=False)
        yield f"  {quoted}: {target or 'null'}{'' if target else '  # ?'}"
    if not named:
        yield f'  "{ASKED}": null  # ?'


def _name(root: Path) -> str:
    name = re.sub(r"[^a-z0-9]", "", plain(root.absolute().name)) or "mine"
    name = name if name[0].isalpha() else f"corpus{name}"
    return f"my{name}" if name in registry() else name


def _try(text: str, tree: Tree, paths: Sequence[str]) -> Outcome:
    """Read the folder by the proposal."""
    corpus = corpus_of(check_declaration(load_yaml(text), "the proposal"), tree.root / "corpus.yaml")
    rows: list[Utterance] = [row for row in corpus.read(tree) if row.excluded is None and row.source]
    used = {row.source for row in rows}
    return {
        "rows": len(rows),
        "labels": dict(Counter(row.raw_label or "(none)" for row in rows).most_common()),
        "speakers": len({row.speaker for row in rows if row.speaker}),
        "texts": sum(row.text is not None for row in rows),
        "unmatched": [path for path in paths if path not in used],
    }


def summary(proposal: Proposal) -> Iterator[str]:
    """What it would give, in lines."""
    outcome = proposal.outcome
    yield f"rows: {outcome['rows']:,}, with a text: {outcome['texts']:,}; speakers: {outcome['speakers']:,}"
    yield "labels: " + ", ".join(f"{raw} {rows:,}" for raw, rows in outcome["labels"].items())
    if outcome["unmatched"]:
        yield f"audio that is no row: {len(outcome['unmatched']):,}, {some(outcome['unmatched'])}"
    yield from (f"? {doubt}" for doubt in proposal.doubts)

"""Text against audio: how often a recogniser hears the texts, and the rows whose clip says otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from merdata.asr.judge import MOST_SUCCESSORS, judge
from merdata.asr.layer import PREFIX, Header, layer_header, layer_name, read_layer
from merdata.asr.normaliser import language_of, normalised_in
from merdata.errors import MerdataError
from merdata.store.store import Store, open_store

COLUMNS = ("id", "corpus", "text", "language", "seconds", "dialogue", "turn")
DIGITS = 4


@dataclass(frozen=True)
class ErrorRates:
    """How far what was heard is from the texts, of one corpus and language.

    Attributes:
        rows: that have a text; `without_text` have none, and are not judged.
        unheard: rows with a text in which no words were heard.
        words, letters: of the texts, normalised.
        word_errors, letter_errors: words and letters that are wrong, missing or too many, for each of these.
    """

    corpus: str
    language: str
    rows: int
    without_text: int
    unheard: int
    words: int
    letters: int
    word_errors: float
    letter_errors: float


@dataclass(frozen=True)
class Mismatch:
    """A row whose clip seems not to say its text.

    Attributes:
        kind: what was found; `merdata.asr.judge` lists the kinds.
        score: 0.5 to 1; how much speaks against the text.
        text, heard: as the store and the layer have them.
        confidence: of the recogniser.
        other: the text that was heard instead or as well, normalised.
        other_id: the first row of the corpus that has it.
    """

    id: str
    corpus: str
    kind: str
    score: float
    text: str
    heard: str
    confidence: float
    other: str | None
    other_id: str | None


@dataclass(frozen=True)
class TextAgainstAudio:
    """What a layer of transcripts says of the texts of a store.

    Attributes:
        layer: its name, with `asr/` before it.
        header: what made it.
        rates: by corpus and language.
        mismatches: the most suspicious row first.
    """

    layer: str
    header: Header
    rates: list[ErrorRates]
    mismatches: list[Mismatch]

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class HeardRow:
    """A row with its text and what was heard, both also normalised."""

    id: str
    corpus: str
    language: str
    seconds: float
    place: tuple[str, int] | None
    text: str
    heard: str
    own: str
    said: str
    confidence: float
    likelihoods: dict[str, float]


def text_against_audio(
    store: str | Path | Store, layer: str, *, corpora: Iterable[str] | None = None, progress: bool = False
) -> TextAgainstAudio:
    """Hold the texts of a store against what a recogniser heard.

    Args:
        store: the store, or its folder.
        layer: name of the layer of transcripts, with or without `asr/` before it.
        corpora: by name; None for all.
        progress: show a bar on stderr.

    Raises:
        CorpusNotFound: the store does not have such a corpus.
        MerdataError: jiwer or transformers is not installed.
        StoreError: the layer is missing, or of other rows.
    """
    store, name = open_store(store), layer_name(layer)
    groups = rows_by_language(store, name, corpora)
    header = layer_header(store, name)
    assert header is not None  # it has just been read
    rates, mismatches = list[ErrorRates](), list[Mismatch]()
    total = sum(map(len, groups.values()))
    with tqdm(total=total, desc="texts", unit=" rows", disable=None if progress else True) as bar:
        for (corpus, language), rows in sorted(groups.items()):
            rates.append(_rates(corpus, language, rows))
            mismatches += _mismatches(rows)
            bar.update(len(rows))
    mismatches.sort(key=lambda found: (-found.score, found.id))
    return TextAgainstAudio(f"{PREFIX}{name}", header, rates, mismatches)


def rows_by_language(
    store: Store, name: str, corpora: Iterable[str] | None
) -> dict[tuple[str, str], list[HeardRow]]:
    """The rows of a layer with their texts, by corpus and language."""
    chosen = store.named(corpora)
    heard = read_layer(store, name, chosen).to_pylist()
    told = store.rows(COLUMNS, chosen).select(COLUMNS).to_pylist()
    groups: dict[tuple[str, str], list[HeardRow]] = defaultdict(list)
    for row, own in zip(told, heard, strict=True):
        language = language_of(row["language"], store.corpora[row["corpus"]]["languages"])
        groups[row["corpus"], language].append(_row(row, own, language))
    return groups


def _row(row: Mapping[str, Any], heard: Mapping[str, Any], language: str) -> HeardRow:
    likelihoods = zip(heard["candidates"], heard["likelihoods"], strict=True)
    in_dialogue = row["dialogue"] is not None and row["turn"] is not None
    return HeardRow(
        id=row["id"],
        corpus=row["corpus"],
        language=language,
        seconds=row["seconds"],
        place=(row["dialogue"], row["turn"]) if in_dialogue else None,
        text=row["text"] or "",
        heard=heard["text"],
        own=normalised_in(language, row["text"] or ""),
        said=normalised_in(language, heard["text"]),
        confidence=heard["confidence"],
        likelihoods={normalised_in(language, text): value for text, value in likelihoods},
    )


def _rates(corpus: str, language: str, rows: Sequence[HeardRow]) -> ErrorRates:
    try:
        jiwer: Any = import_module("jiwer")
    except ImportError as error:
        raise MerdataError("jiwer is not installed: pip install 'merdata[asr]'") from error
    known = [row for row in rows if row.own]
    texts, heard = [row.own for row in known], [row.said for row in known]
    words = jiwer.process_words(texts, heard).wer if known else 0.0
    without_blanks = [[text.replace(" ", "") for text in side] for side in (texts, heard)]
    letters = jiwer.process_characters(*without_blanks).cer if known else 0.0
    return ErrorRates(
        corpus=corpus,
        language=language,
        rows=len(known),
        without_text=len(rows) - len(known),
        unheard=sum(not row.said for row in known),
        words=sum(len(text.split()) for text in texts),
        letters=sum(map(len, without_blanks[0])),
        word_errors=round(words, DIGITS),
        letter_errors=round(letters, DIGITS),
    )


def _mismatches(rows: Sequence[HeardRow]) -> list[Mismatch]:
    """The rows of one corpus and language whose clip says something else."""
    known = [row for row in rows if row.own]
    first = {row.own: row.id for row in reversed(known)}
    texts = sorted(first)
    place = {text: number for number, text in enumerate(texts)}
    turns = {row.place: row.own for row in known if row.place}
    paces = [len(row.own.split()) / row.seconds for row in known if row.seconds]
    median = float(np.median(paces)) if paces else 0.0
    mismatches = []
    for row in known:
        number = place[row.own]
        verdict = judge(
            row.own,
            row.said,
            others=texts[:number] + texts[number + 1 :],
            following=_following(row, turns),
            likelihoods=row.likelihoods,
            confidence=row.confidence,
            pace=(len(row.own.split()), row.seconds, median),
        )
        if verdict:
            mismatches.append(
                Mismatch(
                    id=row.id,
                    corpus=row.corpus,
                    kind=verdict.kind,
                    score=round(verdict.score, DIGITS),
                    text=row.text,
                    heard=row.heard,
                    confidence=round(row.confidence, DIGITS),
                    other=verdict.other,
                    other_id=first.get(verdict.other or ""),
                )
            )
    return mismatches


def _following(row: HeardRow, turns: Mapping[tuple[str, int], str]) -> list[str]:
    """The texts of the turns after a row's, as far as they follow without a gap."""
    following: list[str] = []
    if row.place is not None:
        dialogue, turn = row.place
        for later in range(turn + 1, turn + 1 + MOST_SUCCESSORS):
            if (dialogue, later) not in turns:
                break
            following.append(turns[dialogue, later])
    return following

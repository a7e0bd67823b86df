"""One row of a corpus, and the schema of the store.

The schema is what `datasets.Features(...).arrow_schema` gives for these columns, as a test checks. It is
written in pyarrow because importing `datasets` alone takes longer than building a small corpus.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import pyarrow as pa

SAMPLE_RATE = 16_000

NO_TEXT = "text: "  # begins the note on a row without a transcript
SILENCED_NOTE = "audio silenced: "  # begins the note on a row whose audio is silence
KNOWN_DEFECT = "known defect, "  # begins the note on a defect of the corpus's table


_FRAGMENT = re.compile(r"#t=[\d.e+-]+(,[\d.e+-]+)?$")


def file_of(place: str) -> str:
    """The file of a source that may be a span of it: `long.flac` of `long.flac#t=1.5,3.25`."""
    return _FRAGMENT.sub("", place)


def is_silenced(notes: Iterable[str]) -> bool:
    """Whether a row's notes say that silence replaces its audio, which could not be decoded."""
    return any(note.startswith(SILENCED_NOTE) for note in notes)


@dataclass(frozen=True, slots=True)
class Vote:
    """One rating of an utterance by a rater or a panel; `level` is its strength, where given."""

    rater: str
    label: str
    level: float | None = None


class Span(NamedTuple):
    """A part of a recording, in seconds from its begin; `end` None: as far as the recording goes."""

    start: float
    end: float | None

    def __str__(self) -> str:
        """As a media fragment of a URI (W3C Media Fragments 1.0, 4.2.1): `t=1.5,3.25`."""
        return f"t={self.start!r}" + ("" if self.end is None else f",{self.end!r}")


class Utterance(NamedTuple):
    """What a corpus's file names and metadata say about one utterance; its audio is not opened for this.

    A reader leaves out what its rows share: `Corpus.utterances` adds the corpus (to the id too), the speaker
    as shard and the language, where the corpus has only one.

    Attributes:
        id: unique in the corpus (in the store `<corpus>/...`), with the split in it where the corpus restarts
            its numbers in each.
        source: audio file relative to the corpus folder, or None if it is not on disk.
        start, end: seconds, where the utterance is a span of a longer recording.
        raw_label, speaker: None where the corpus's metadata has nothing (a note then says so).
        text: transcript, or None (a note then says why).
        raw_text: transcript as the corpus has it, where `text` was cleaned.
        shard: the group that no split may cut (a speaker, or a block of dialogues of one split).
        official_split: train, validation or test, where the corpus has its own split.
        prompt: id of the scripted sentence.
        excluded: why this file is not a row (`duplicate`, `stray`); it is then only in the ledger.
    """

    id: str
    source: str | None
    raw_label: str | None
    speaker: str | None
    corpus: str = ""
    shard: str = ""
    language: str = ""
    text: str | None = None
    raw_text: str | None = None
    gender: str | None = None
    official_split: str | None = None
    session: str | None = None
    dialogue: str | None = None
    turn: int | None = None
    prompt: str | None = None
    intensity: str | None = None
    scripted: bool | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    votes: tuple[Vote, ...] = ()
    notes: tuple[str, ...] = ()
    excluded: str | None = None
    start: float | None = None
    end: float | None = None

    @property
    def span(self) -> Span | None:
        """The part of `source` that the utterance is, or None if it is all of it."""
        if self.start is None and self.end is None:
            return None
        return Span(float(self.start or 0.0), None if self.end is None else float(self.end))

    @property
    def overlong(self) -> str | None:
        """The first value, other than a transcript, that has more than MOST_LETTERS letters."""
        values = _short(self)
        if max(map(len, filter(None, values)), default=0) <= MOST_LETTERS:  # for the most of all rows
            return None
        names = zip(SHORT, values, strict=True)
        return next(name for name, value in names if value and len(value) > MOST_LETTERS)

    @property
    def place(self) -> str | None:
        """Its source as the store and the ledger name it, with the span: `long.flac#t=1.5,3.25`."""
        return f"{self.source}#{self.span}" if self.source and self.span else self.source


MOST_LETTERS = 1_000  # of an id, a path, a label or a name
SHORT = (
    "id", "source", "raw_label", "speaker", "shard", "language", "gender", "official_split", "session",
    "dialogue", "prompt", "intensity",
)  # fmt: skip
_short = attrgetter(*SHORT)

_STRING, _INT, _FLOAT, _BOOL = pa.string(), pa.int32(), pa.float32(), pa.bool_()
_VOTE = pa.struct({"rater": _STRING, "label": _STRING, "level": _FLOAT})
_COLUMNS: dict[str, pa.DataType] = {
    "id": _STRING,
    "corpus": _STRING,
    "audio": pa.struct({"bytes": pa.binary(), "path": _STRING}),
    "text": _STRING,
    "label": pa.int64(),
    "raw_label": _STRING,
    "speaker": _STRING,
    "gender": _STRING,
    "language": _STRING,
    "seconds": _FLOAT,
    "official_split": _STRING,
    "session": _STRING,
    "dialogue": _STRING,
    "turn": _INT,
    "prompt": _STRING,
    "intensity": _STRING,
    "scripted": _BOOL,
    "valence": _FLOAT,
    "arousal": _FLOAT,
    "dominance": _FLOAT,
    "votes": pa.list_(_VOTE),
    "raw_text": _STRING,
    "source": _STRING,
    "source_sha256": _STRING,
    "audio_sha256": _STRING,
    "notes": pa.list_(_STRING),
}
METADATA_COLUMNS = tuple(name for name in _COLUMNS if name != "audio")


def store_schema(classes: Sequence[str]) -> pa.Schema:
    """The Arrow schema of a shard, with the Hugging Face features in its metadata.

    `audio` is an Audio feature (16 kHz WAV bytes), `label` a ClassLabel that carries `classes`.
    """
    features = {name: _feature(kind) for name, kind in _COLUMNS.items()}
    features["audio"] = {"sampling_rate": SAMPLE_RATE, "_type": "Audio"}
    features["label"] = {"names": list(classes), "_type": "ClassLabel"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(list(_COLUMNS.items()), metadata=metadata)


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    names = {"float": "float32"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}

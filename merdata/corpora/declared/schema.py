"""What a `corpus.yaml` says: facts, the grammar of its file names, a table of its rows, fields and labels.

Every key is a field here; the JSON schema for editors is made from these classes. Values are text: a YAML
number or boolean where text is meant is refused, so `01` and `no` must be quoted.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from merdata.corpora.terms import Permission
from merdata.corpora.walk import AUDIO

FieldName = Literal[
    "label", "speaker", "text", "gender", "language", "official_split", "session", "dialogue", "turn",
    "prompt", "intensity", "scripted", "valence", "arousal", "dominance", "shard", "start", "end",
]  # fmt: skip


class StrictModel(BaseModel):
    """A mapping of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def a_regex(text: str) -> str:
    """The text, if it is a regular expression.

    Raises:
        ValueError: it is not.
    """
    try:
        re.compile(re.sub(r"\{[a-z_]\w*\}", "x", text))
    except re.error as error:
        raise ValueError(f"it is not a regular expression: {error}") from error
    return text


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Regex = Annotated[str, AfterValidator(a_regex)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Uploads(StrictModel):
    """What may be uploaded, as the licence says; what is not stated is `never`."""

    public: Permission = Permission.NEVER
    private: Permission = Permission.NEVER
    labels: Permission = Permission.NEVER
    text: bool = False


class Rule(StrictModel):
    """Where a field has its value from. One of `value`, `of` and `file`, or `missing` alone.

    Attributes:
        value: a template, such as `Say the word {word}.`.
        of: a group, a column or a template, whose value is looked up in `map`, or searched with `like`.
        map: value -> what the field gets; or the name of a YAML file of such pairs beside this one.
        like: a regular expression that all of the value must fit; its first group goes on.
        file: a text file, as a template of its name; the one beside the audio, or the only one of that name.
        missing: why there is no value, for the note on such rows.
        note: goes on each row that has the value, such as that a transcript is inferred.
    """

    value: str | bool | None = None
    of: str | None = None
    map: dict[str, str] | str | None = None
    like: Regex | None = None
    file: str | None = None
    missing: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> Rule:
        sources = [name for name in ("value", "of", "file") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise ValueError(f"it takes one of value, of and file, not {' and '.join(sources)}")
        if not sources and not self.missing:
            raise ValueError("it needs value, of or file, or `missing` with the reason")
        if self.of is None and (self.map is not None or self.like is not None):
            raise ValueError("map and like need `of`, the value that is looked up")
        if self.of is not None and self.map is None and self.like is None:
            raise ValueError("`of` needs a map, or `like`")
        return self


def _as_rules(value: Any) -> Any:
    """A template alone is a rule; several rules are tried in turn."""
    return [{"value": rule} if isinstance(rule, (str, bool)) else rule for rule in _as_list(value)]


Rules = Annotated[
    list[Rule],
    BeforeValidator(_as_rules, json_schema_input_type=str | bool | Rule | list[str | Rule]),
    Field(min_length=1),
]


class Join(StrictModel):
    """A second table, whose row with the same value adds its columns.

    Attributes:
        file: its name.
        by: column of the first table -> column of this one.
    """

    file: str
    by: Annotated[dict[str, str], Field(min_length=1, max_length=1)]


class Table(StrictModel):
    """A table with a row for each utterance: csv with any usual delimiter, JSON, JSON lines or YAML.

    Attributes:
        file: its name; with `*` there may be several.
        audio: a template of the name of a row's audio file, with or without folders and ending.
        where: column -> value (or values) of the rows that count; files of the others are strays.
        join: a second table.
        quotes: whether cells are in quotes where they need it; else a quote is a character like others.
    """

    file: str
    audio: str
    where: dict[str, Annotated[list[str], BeforeValidator(_as_list)]] = Field(default={})
    join: Join | None = None
    quotes: bool = True


class Votes(StrictModel):
    """A table of what listeners said, a rating a row. Templates take its columns, then the fields of our row.

    Attributes:
        file: its name.
        audio: a template of the name of the audio file that is rated.
        rater: who said so, a listener or a panel.
        label: what the recording is said to be.
        level: how strongly, or by how many, as a number; commas may stand for points.
    """

    file: str
    audio: str
    rater: str
    label: str
    level: str = ""


class Stray(StrictModel):
    """Files that are named like rows and are none: they are in the ledger with the reason.

    Attributes:
        name: a regular expression, as in `names`.
        why: the reason.
        kind: what the ledger calls them.
    """

    name: Regex
    why: str
    kind: Literal["stray", "song"] = "stray"


class Complete(StrictModel):
    """The rows of a complete copy: every combination of the values in the id.

    A part without a list of values has those that are there.

    Attributes:
        without: combinations that do not exist.
    """

    without: list[dict[str, str]] = Field(default=[])


class Sample(StrictModel):
    """The miniature of synthetic speech that `merdata sample` writes.

    Attributes:
        speakers: how many of the speakers, from the first.
        names: of speakers, where no part lists them.
        table: name of the table, where `table.file` has a `*`.
        rate: samples a second.
        voices: raw label -> the class that its voice has, where its default class is none.
    """

    speakers: Annotated[int, Field(gt=0)] = 3
    names: list[str] = Field(default=[])
    table: str = ""
    rate: Annotated[int, Field(ge=8_000, le=192_000)] = 16_000
    voices: dict[str, str] = Field(default={})


class Declaration(StrictModel):
    """A corpus as data.

    Attributes:
        name: lower case, as on the command line and in ids.
        domain: it describes, and groups corpora in tables.
        licence: as the source states it.
        terms: what that allows to be uploaded.
        rows: of the complete corpus; 0 where nobody counted.
        difference: known reasons why a copy has more or fewer.
        crossed: every speaker says every sentence in every emotion, so the text alone says nothing.
        split: the default protocol keeps the `official` split, or divides speakers.
        cluster: what is drawn together when results are resampled.
        limits: what models of this corpus must not be trusted with.
        citation: a BibTeX entry.
        names: regular expressions of the audio files' names without ending, the first that fits counts; one
            with a slash is held against the folders above as well. `{part}` stands for the values of a part,
            and makes it a group.
        parts: part -> its values, or a regular expression. One that a map or `labels` lists needs no entry.
        any_case: whether case does not matter in names; values are then spelled as listed, or in lower case.
        endings: of the release's audio files.
        examples: real paths of the release, one for each layout.
        id: a template, of the stem where it is not stated; `{folder}` is the file's, `{path}` its whole path
            without ending.
        fixes: name without ending, as on disk -> as it was meant.
        stray: files that are not rows.
        table: of the rows, where there is one.
        votes: where listeners' ratings are, if they are published.
        fields: column of the store -> where its value is from, in this order: a field takes the place of the
            group of its name in what follows. A group or column of such a name needs no entry.
        labels: raw label -> class, null (rows are dropped), or `keep` (rows are kept without a class).
        debatable: raw labels whose class is a decision of this project; it is noted on each row.
        complete: how to list the rows of a complete copy.
        keys: source of a split (emobox, s3prl) -> template of what it calls a row; `{name}` is its id.
        sample: of the miniature.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
    title: str = ""
    domain: Literal["acted", "conversational"] = "acted"
    languages: list[Language] = Field(default=[])
    licence: str = "not stated"
    terms: Uploads = Uploads()
    homepage: str = ""
    rows: Annotated[int, Field(ge=0)] = 0
    difference: str = ""
    crossed: bool = False
    split: Literal["official", "speaker"] = "speaker"
    cluster: Literal["speaker", "dialogue"] = "speaker"
    limits: str = ""
    citation: str = ""
    names: list[Regex] = Field(default=[])
    parts: dict[str, list[str] | Regex] = Field(default={})
    any_case: bool = False
    endings: list[str] = Field(default=[".wav"])
    examples: list[str] = Field(default=[])
    id: str = "{stem}"
    fixes: dict[str, str] = Field(default={})
    stray: list[Stray] = Field(default=[])
    table: Table | None = None
    votes: Votes | None = None
    fields: dict[FieldName, Rules] = Field(default={})
    labels: Annotated[dict[str, str | None], Field(min_length=1)]
    debatable: list[str] = Field(default=[])
    complete: Complete | None = None
    keys: dict[str, str] = Field(default={})
    sample: Sample = Sample()

    @model_validator(mode="after")
    def _check(self) -> Declaration:
        if not self.names and self.table is None:
            raise ValueError("it needs `names`, the form of the file names, or a `table` of its rows")
        if strange := sorted(set(self.debatable) - set(self.labels)):
            raise ValueError(f"debatable: {', '.join(strange)} is not among labels")
        if strange := sorted({ending.lower() for ending in self.endings} - AUDIO):
            raise ValueError(f"endings: {', '.join(strange)} is no ending of audio files, such as .wav")
        return self

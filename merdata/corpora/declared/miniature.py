"""The miniature of a declared corpus: its example with other values in the places of its parts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import PurePosixPath

from merdata.corpora.declared.fields import Fields
from merdata.corpora.declared.names import Grammar, Named
from merdata.corpora.declared.schema import Declaration, Table, Votes
from merdata.corpora.declared.template import Template
from merdata.corpora.genders import gender_of
from merdata.errors import DeclarationError
from merdata.sample.files import File, Line, recording, text_file

TEXT = "The lights are on in the house."
PROMPTS = 2  # of each label and speaker
DIGITS = re.compile(r"\d+(?=\D*$)")
DELIMITERS = {".tsv": "\t"}


@dataclass(frozen=True)
class Spoken:
    """An utterance of the miniature: its file, and what is known of it."""

    path: str
    stem: str
    label: str
    speaker: str
    values: dict[str, str | None]


class Miniature:
    """Plans the miniature of a corpus."""

    def __init__(self, declared: Declaration, grammar: Grammar, fields: Fields) -> None:
        self._declared = declared
        self._grammar = grammar
        self._fields = fields

    def __call__(self, seed: int, speakers: int | None) -> list[File]:
        """The files; the first speakers only, where a number is given.

        Raises:
            DeclarationError: the corpus has no example of its file names.
        """
        spoken = list(self._spoken(speakers))
        files = [self._recording(one, seed) for one in spoken]
        files += self._tables(self._declared.table, spoken) if self._declared.table else ()
        return [*files, *(self._ratings(self._declared.votes, spoken) if self._declared.votes else ())]

    def _spoken(self, most: int | None) -> Iterator[Spoken]:
        path, named = self._example()
        speakers = self._speakers(named)[: most or self._declared.sample.speakers]
        prompts = self._listed("prompt")[:PROMPTS] or [named.groups.get("prompt") or ""] * PROMPTS
        there: set[PurePosixPath] = set()
        for count, (label, speaker, prompt) in enumerate(
            product(self._declared.labels, speakers, prompts), start=1
        ):
            wanted = {**self._of_label(label), "speaker": speaker, "prompt": prompt}
            changed = self._with(path, {name: text for name, text in wanted.items() if name in named.groups})
            if self._declared.table:
                changed = _numbered(changed, count)
            match = self._grammar.match(changed.with_suffix(""), changed.stem)
            if match and changed not in there:
                there.add(changed)
                yield Spoken(str(changed), changed.stem, label, speaker, dict(match.groups))

    def _example(self) -> tuple[PurePosixPath, Named]:
        for example in self._declared.examples:
            path = PurePosixPath(example)
            if named := self._grammar.match(path, path.stem):
                return path, named
        raise DeclarationError(f"{self._declared.name}: none of its examples fits its names")

    def _listed(self, part: str) -> list[str]:
        values = self._grammar.listed.get(part, [])
        return values if isinstance(values, list) else []

    def _speakers(self, named: Named) -> list[str]:
        own = self._declared.sample.names or self._listed("speaker")
        return own or [named.groups.get("speaker") or f"speaker{number}" for number in range(1, 4)]

    def _of_label(self, label: str) -> dict[str, str]:
        """The values of parts that give a row this label."""
        for rule in self._fields.rules.get("label", ()):
            if rule.part and rule.map:
                codes = [code for code, raw in rule.map.items() if raw == label]
                return {rule.part: codes[0]}
        return {"label": label}

    def _with(self, path: PurePosixPath, wanted: Mapping[str, str]) -> PurePosixPath:
        """A path with other values in the places of its groups."""
        text = str(path.with_suffix(""))
        match = self._grammar.found(path, path.stem)
        if match is None:
            return path
        start = len(text) - len(match.string)
        spans = sorted(((match.span(name), value) for name, value in wanted.items()), reverse=True)
        for (begin, end), value in spans:
            if begin >= 0:
                text = text[: start + begin] + value + text[start + end :]
        return PurePosixPath(f"{text}{path.suffix}")

    def _recording(self, spoken: Spoken, seed: int) -> File:
        sample, target = self._declared.sample, self._declared.labels[spoken.label]
        voice = sample.voices.get(spoken.label) or (target if target not in (None, "keep") else "neutral")
        values = {**spoken.values, "stem": spoken.stem}
        outcomes = self._fields.fill(values, lambda _: None, "")
        gender = gender_of(outcomes["gender"].value) or ""
        speaker = outcomes["speaker"].value or spoken.speaker
        text = outcomes["text"].value or TEXT
        line = Line(self._declared.name, spoken.path, speaker, gender, voice or "neutral", text)
        return recording(spoken.path, line, seed, sample.rate)

    def _tables(self, table: Table, spoken: list[Spoken]) -> Iterator[File]:
        """The table of the rows, and the one that is joined to it."""
        if table.audio == "{table}":  # a table beside each recording
            ending = PurePosixPath(table.file).suffix
            for one in spoken:
                yield text_file(f"{one.stem}{ending}", _written(ending, [self._cells(table, one)], ""))
            return
        name = self._declared.sample.table or table.file
        rows = [self._cells(table, one) for one in spoken]
        yield text_file(name, _written(name, rows, _key_of(table)))
        if table.join:
            ((left, right),) = table.join.by.items()
            joined = {row[left]: {right: row[left], "gender": "female"} for row in rows}
            yield text_file(table.join.file, _written(table.join.file, list(joined.values()), ""))

    def _ratings(self, votes: Votes, spoken: list[Spoken]) -> Iterator[File]:
        """The table of the ratings: one listener, who hears what was meant."""
        rows = []
        for one in spoken:
            said = {votes.audio: f"{one.stem}.wav", votes.rater: "listener1", votes.label: one.label}
            said[votes.level] = "90.0"
            rows.append({name: value for text, value in said.items() for name in Template(text).names})
        yield text_file(votes.file, _written(votes.file, rows, ""))

    def _cells(self, table: Table, spoken: Spoken) -> dict[str, str]:
        audio = Template(table.audio).pattern({}).fullmatch(spoken.stem)
        cells = dict(audio.groupdict()) if audio else {}
        cells |= {column: values[0] for column, values in table.where.items()}
        wanted = {"label": spoken.label, "speaker": spoken.speaker, "text": TEXT, "gender": "female"}
        wanted |= {"official_split": "train", "valence": "0.5", "arousal": "0.5", "dominance": "0.5"}
        wanted |= {"start": "0.0", "end": "0.5"}
        for field, rules in self._fields.rules.items():
            rule = rules[0]
            if len(rule.names) == 1 and rule.names[0] not in {*spoken.values, *cells, "table", "stem"}:
                keys = [key for key, value in (rule.map or {}).items() if value == wanted.get(field)]
                cells[rule.names[0]] = keys[0] if keys else wanted.get(field, "1")
        return cells


def _numbered(path: PurePosixPath, count: int) -> PurePosixPath:
    """A path whose last number is another, of as many digits at least."""
    stem = DIGITS.sub(lambda match: str(count).zfill(len(match[0])), path.stem)
    return path.with_name(f"{stem}{path.suffix}")


def _key_of(table: Table) -> str:
    return "key" if table.audio == "{key}" else ""


def _written(name: str, rows: list[dict[str, str]], key: str) -> str:
    """Rows as JSON or csv, as the name says."""
    if name.endswith((".json", ".yaml")):
        return json.dumps({row[key]: row for row in rows} if key else rows, ensure_ascii=False)
    text = io.StringIO(newline="")
    delimiter = DELIMITERS.get(PurePosixPath(name).suffix, ",")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()

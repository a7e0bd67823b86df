"""The page of a declared corpus: what its file states, around the prose of its card."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from merdata.corpora.corpus import Corpus, Defect
from merdata.corpora.declared.schema import Declaration, Rule
from merdata.corpora.declared.template import PLACE
from merdata.io.resources import render_card

HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)


class Page:
    """Makes the page of a corpus."""

    def __init__(self, declared: Declaration) -> None:
        self._declared = declared

    def __call__(self, corpus: Corpus, prose: str) -> str:
        """The page; sections of the prose are put under the headings of their names.

        Args:
            corpus: with its defects.
            prose: of the card, with an introduction first.
        """
        stated = self._declared
        first, *rest = HEADING.split(prose.strip())
        texts = defaultdict(str, {"": first.strip()})
        texts.update({name: f"{text.strip()} " for name, text in zip(rest[::2], rest[1::2], strict=True)})
        page = render_card(
            "corpus.md.j2",
            title=corpus.title,
            prose=texts,
            rows=stated.rows,
            difference=stated.difference,
            languages=", ".join(stated.languages),
            domain=stated.domain,
            limits=stated.limits,
            licence=_sentence(stated.licence),
            uploads=_uploads(corpus),
            homepage=stated.homepage,
            table=stated.table.file if stated.table else "",
            folders=any("/" in name for name in stated.names),
            examples=stated.examples,
            labels=stated.labels,
            votes=stated.votes.file if stated.votes else "",
            debatable=stated.debatable,
            transcripts=_transcripts(stated),
            defects=_defects(corpus.defects),
            protocol=_protocol(stated),
            citation=stated.citation.strip(),
        )
        return re.sub(r"\n{3,}", "\n\n", re.sub(r" +$", "", page, flags=re.MULTILINE))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _uploads(corpus: Corpus) -> dict[str, str]:
    terms = corpus.terms
    return {
        "Uploads: in public": terms.public.value,
        "in private": terms.private.value,
        "labels alone": terms.labels.value + (" with texts" if terms.text else ""),
    }


def _defects(defects: Sequence[Defect]) -> list[Defect]:
    return [{**defect, "note": _sentence(defect["note"])} for defect in defects]


def _transcripts(stated: Declaration) -> str:
    """Where the texts are from, a sentence for each rule."""
    rules = stated.fields.get("text", [])
    return " ".join(filter(None, (_of_rule(rule, stated) for rule in rules)))


def _of_rule(rule: Rule, stated: Declaration) -> str:
    note = f" Each row says: {rule.note}." if rule.note else ""
    if rule.file:
        return f"The text file of the recording's name, where it is there.{note}"
    if rule.map is not None:
        rest = f" Where there is none: {rule.missing}." if rule.missing else ""
        return f"The sentence by its code in the file name.{rest}{note}"
    if isinstance(rule.value, str):
        (name, *_) = PLACE.findall(rule.value) or [""]
        if stated.table and rule.value == f"{{{name}}}":
            return f"The column {name} of {stated.table.file}.{note}"
        return f"From the file name: {rule.value}.{note}"
    return f"None: {rule.missing}."


def _protocol(stated: Declaration) -> str:
    """What the default protocol does with the corpus."""
    speaker = stated.fields.get("speaker", [])
    nobody = [rule.missing for rule in speaker if rule.value is None and rule.of is None]
    if stated.split == "official":
        return "The published split is kept."
    dialogues = "dialogue" in stated.fields or any("(?P<dialogue>" in name for name in stated.names)
    if nobody and dialogues:
        return f"Dialogues are kept whole; it is not divided by speakers, because {nobody[0]}."
    if nobody:
        return f"It stays in train whole: it cannot be divided by speakers, because {nobody[0]}."
    if len(speaker) == 1 and isinstance(speaker[0].value, str) and not PLACE.search(speaker[0].value):
        return "It has one speaker, and stays in train whole."
    return "It is divided by speakers; with fewer than three it stays in train whole."

"""What `merdata corpora` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merdata.corpora.corpus import StatedFacts
from merdata.labels import KEEP
from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.corpora.corpus import Corpus


class ListedCorpus(StatedFacts):
    """What `merdata corpora` says of each; `here`: whether the folder `corpora` has it."""

    here: bool


def corpora(facts: list[ListedCorpus]) -> None:
    made = table("name", "title", "languages", "#rows", "classes", "licence", "here", "home page")
    for corpus in facts:
        classes = {target for target in corpus["targets"].values() if target not in (None, KEEP)}
        made.add_row(
            corpus["name"],
            corpus["title"],
            " ".join(corpus["languages"]),
            f"{corpus['rows']:,}",
            str(len(classes)),
            corpus["licence"],
            "yes" if corpus["here"] else "",
            corpus["homepage"],
        )
    console().print(made)


def corpus(corpus: Corpus) -> None:
    """The page of a corpus: its card, then the labels, the layout and the options that its reader knows."""
    screen = console()
    screen.print(corpus.card.strip(), markup=False, soft_wrap=True)
    made = table("raw label", "class by default")
    for raw, target in corpus.targets.items():
        made.add_row(raw, {None: "none: dropped", KEEP: "none: kept without a class"}.get(target, target))
    screen.print(made)
    screen.print(f"layout: {corpus.layout}", markup=False, soft_wrap=True)
    for name, what in corpus.known_options.items():
        screen.print(f"option {corpus.name}.{name}: {what}", markup=False, soft_wrap=True)

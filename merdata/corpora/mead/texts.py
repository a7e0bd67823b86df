"""What the numbered clips of a MEAD group say, as far as their order is known (`sentences.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml
from typing_extensions import TypedDict

PART = re.compile(r"(?P<list>[a-z]+)(?:\[(?P<first>\d+)(?P<kind>\.\.|\+)(?P<last>\d+)\])?")
UNKNOWN = re.compile(r"(?P<why>unknown|unclear) x(?P<clips>\d+)")


UNCLEAR = "text: which of the sentences this clip is, is not known"
ORDER_UNKNOWN = "text: the order of this group's sentences is not known"
NOT_PUBLIC = "text: the sentence of this clip is not public"


class Order(TypedDict):
    """An entry of `orders`: what the clips of some groups say, in the order of their numbers."""

    emotion: str
    clips: int
    parts: list[str]
    groups: dict[int, list[str]]


class Table(TypedDict):
    """`sentences.yaml`."""

    sentences: dict[str, list[str]]
    orders: list[Order]
    holes: dict[str, list[int]]


class Sentence(NamedTuple):
    """A clip's text and the id of its prompt, or the reason why they are None."""

    text: str | None
    prompt: str | None
    why: str | None = None


def sentences(speaker: str, emotion: str, level: int, numbers: Collection[int]) -> dict[int, Sentence]:
    """Number -> sentence of a group.

    Args:
        speaker: M003 ... W040.
        emotion: as the folder is named.
        level: 1 to 3.
        numbers: those that the copy has.
    """
    order = _order(speaker, emotion, level)
    if order is None:
        return dict.fromkeys(numbers, Sentence(None, None, ORDER_UNKNOWN))
    holes = set(_table()["holes"].get(f"{speaker}/{emotion}/level_{level}", ()))
    whole = set(range(1, order["clips"] + 1))
    if not whole - holes <= set(numbers) <= whole:
        lacks = f"text: this copy has {len(set(numbers) - holes)} of the group's {len(whole - holes)} clips, "
        return dict.fromkeys(numbers, Sentence(None, None, f"{lacks}and may number them differently"))
    return dict(enumerate((sentence for part in order["parts"] for sentence in _part(part)), start=1))


def _order(speaker: str, emotion: str, level: int) -> Order | None:
    orders = (order for order in _table()["orders"] if order["emotion"] == emotion)
    return next((order for order in orders if speaker in order["groups"].get(level, ())), None)


def _part(part: str) -> Iterator[Sentence]:
    unknown = UNKNOWN.fullmatch(part)
    if unknown:
        yield from [Sentence(None, None, UNCLEAR if unknown["why"] == "unclear" else NOT_PUBLIC)] * int(
            unknown["clips"]
        )
        return
    match = PART.fullmatch(part)
    if match is None:
        raise ValueError(f"sentences.yaml: {part!r} is not part of an order")
    texts = _table()["sentences"][match["list"]]
    first, last = int(match["first"] or 1), int(match["last"] or len(texts))
    chosen = [Sentence(f"{text}.", _prompts()[text]) for text in texts[first - 1 : last]]
    if match["kind"] == "+":
        text = " ".join(f"{texts[number - 1]}." for number in (first, last))
        yield Sentence(text, "+".join(str(sentence.prompt) for sentence in chosen))
    else:
        yield from chosen


@cache
def _prompts() -> dict[str, str]:
    """Text -> id of its first place; some sentences are in several lists."""
    prompts: dict[str, str] = {}
    for name, texts in _table()["sentences"].items():
        for number, text in enumerate(texts, start=1):
            prompts.setdefault(text, f"{name}-{number:02d}")
    return prompts


@cache
def _table() -> Table:
    table: Table = yaml.safe_load((files(__package__) / "sentences.yaml").read_text("utf-8"))
    return table

"""What the numbered clips of a MEAD group say, as far as their order is known (`sentences.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

PART = re.compile(r"(?P<list>[a-z]+)(?:\[(?P<first>\d+)(?P<kind>\.\.|\+)(?P<last>\d+)\])?")
UNKNOWN = re.compile(r"unknown x(?P<clips>\d+)")


class Sentence(NamedTuple):
    """A clip's text and the id of its prompt; both None where the sentence is not public."""

    text: str | None
    prompt: str | None


def sentences(speaker: str, emotion: str, clips: int) -> list[Sentence] | None:
    """The sentences of a group by clip, or None where its order is not known.

    Args:
        speaker: M003 ... W040.
        emotion: as the folder is named.
        clips: how many the group has, holes in its numbering included.
    """
    for order in _table()["orders"]:
        if (order["emotion"], order["clips"]) == (emotion, clips) and _holds(order, speaker):
            return [sentence for part in order["parts"] for sentence in _part(part)]
    return None


def _holds(order: dict[str, Any], speaker: str) -> bool:
    return speaker in order.get("only", [speaker]) and speaker not in order.get("but", [])


def _part(part: str) -> Iterator[Sentence]:
    unknown = UNKNOWN.fullmatch(part)
    if unknown:
        yield from [Sentence(None, None)] * int(unknown["clips"])
        return
    match = PART.fullmatch(part)
    if match is None:
        raise ValueError(f"sentences.yaml: {part!r} is no part of an order")
    texts = _table()["sentences"][match["list"]]
    first, last = int(match["first"] or 1), int(match["last"] or len(texts))
    chosen = [Sentence(f"{text}.", _prompts()[text]) for text in texts[first - 1 : last]]
    if match["kind"] == "+":
        text, prompt = (" ".join(str(one[at]) for one in chosen) for at in (0, 1))
        yield Sentence(text, prompt.replace(" ", "+"))
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
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((files(__package__) / "sentences.yaml").read_text("utf-8"))
    return table

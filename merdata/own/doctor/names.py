"""The regular expressions of `names` in a corpus.yaml, from the slots that were found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from merdata.corpora.walk import audio_stem
from merdata.own.doctor.guess import Guess, Slot
from merdata.own.doctor.slots import Place, tokens

Piece = tuple[str, str]  # a token's text, and what stands between it and the token before


def names_of(paths: Sequence[str], guess: Guess) -> list[str]:
    """Patterns that all paths fit in which the slots are found; the first fits most."""
    slots = {"label": guess.label, "speaker": guess.speaker}
    deepest = max((place[0] for slot in slots.values() if slot for place in slot.places), default=0)
    forms: dict[tuple[str, ...], int] = {}
    for path in paths:
        parts = path.split("/")
        if len(parts) > deepest and all(slot is None or path in slot.column for slot in slots.values()):
            names = [audio_stem(parts[-1]) or parts[-1], *reversed(parts[:-1])][: deepest + 1]
            form = tuple(_form(name, _last(slots.values(), depth)) for depth, name in enumerate(names))
            forms[form] = forms.get(form, 0) + 1
    ordered = sorted(forms, key=lambda form: (-forms[form], form))
    return list(dict.fromkeys(_pattern(form, slots) for form in ordered))


def _last(slots: Iterable[Slot | None], depth: int) -> int:
    """The place of the last token of a name or folder that matters; -1 for none."""
    return max((place[1] for slot in slots if slot for place in slot.places if place[0] == depth), default=-1)


def _form(name: str, last: int) -> str:
    """Kinds and separators of the tokens up to the last that matters, as `9_a-a`, and what follows as `*`."""
    made = ""
    for text, between in list(_pieces(name))[: last + 1]:
        kind = "9" if text.isdigit() else "l" if len(text) == 1 else "a"
        made += re.sub(r"[A-Za-z0-9*]", "?", between) + kind
    return made + "*"


def _pieces(name: str) -> Iterable[Piece]:
    end = 0
    for text in tokens(name):
        start = name.index(text, end)
        yield text, name[end:start]
        end = start + len(text)


KINDS = {"9": r"\d+", "l": r"[^\W\d_]", "a": r"[^\W\d_]+"}


def _pattern(form: Sequence[str], slots: dict[str, Slot | None]) -> str:
    """A form as a regular expression, its folders first."""
    texts = [_expression(kinds, depth, slots) for depth, kinds in enumerate(form)]
    return "/".join(reversed(texts))


def _expression(kinds: str, depth: int, slots: dict[str, Slot | None]) -> str:
    whole = [name for name, slot in slots.items() if slot and (depth, -1) in slot.places]
    if whole:
        return f"(?P<{whole[0]}>[^/]+)" if whole[0] != "label" else "{label}"
    texts, place = [], 0
    for char in kinds[:-1]:
        if char in KINDS:
            texts.append(_token(char, (depth, place), slots))
            place += 1
        else:
            texts.append(re.escape(char) if char not in " _-." else "[ _.-]")
    return "".join(texts) + "[^/]*"


def _token(kind: str, place: Place, slots: dict[str, Slot | None]) -> str:
    for name, slot in slots.items():
        if slot and place in slot.places:
            if name == "label" and len(slot.places) == 1:
                return "{label}"
            opened = f"(?P<{name}>" if place == slot.places[0] else ""
            return f"{opened}{KINDS[kind]}{')' if place == slot.places[-1] else ''}"
    return KINDS[kind]

"""Which slot of the file names is the label and which the speaker, told from the values that stand there."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from merdata.corpora.tree import SPLIT_WORDS
from merdata.own.doctor.slots import Place, cut
from merdata.own.words import is_word, meaning, plain, words

SAMPLE = 3_000  # paths that are looked at, evenly spaced
MOST_LABELS = 24
MOST_FILES = 0.8  # of all that a slot must be in
WORDS_SHARE = 0.75  # of a slot's files whose value is a word for an emotion
LETTERS_SHARE = 0.85  # of a slot's values that begin a word of one language
LEAST = 1.9  # score of a speaker; below, nobody is proposed
GENDERS = frozenset({"m", "f", "w", "male", "female", "man", "woman"})
SPEAKER_CUES = frozenset({"actor", "speaker", "spk", "subject", "participant", "user", "person", "talker"})
OTHER_CUES = frozenset({"sentence", "utt", "utterance", "take", "level", "dia", "dialogue", "rep", "no"})
Column = Mapping[str, str]  # path -> value


@dataclass(frozen=True)
class Slot:
    """A part that most paths have, and its value in each of them.

    Attributes:
        places: of the token, or of two neighbours that say one thing together (f and 1 of `f1`); a place of
            -1 is a whole folder's name.
        column: path -> value.
        score: how much speaks for it.
        why: what speaks for it.
    """

    places: tuple[Place, ...]
    column: Column
    score: float = 0.0
    why: str = ""

    @cached_property
    def values(self) -> Counter[str]:
        return Counter(self.column.values())


@dataclass(frozen=True)
class Guess:
    """What a folder's names seem to say.

    Attributes:
        label, speaker: the slots, or None where nothing says enough.
        labels: word of the label slot -> the class that it names, or None.
        doubts: what somebody must look at.
    """

    label: Slot | None
    speaker: Slot | None
    labels: dict[str, str | None] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


def guess(paths: Sequence[str]) -> Guess:
    """Look at the names of some audio files; nothing is opened."""
    some = paths[:: max(1, len(paths) // SAMPLE)]
    slots = _slots(some)
    as_labels = [_as_label(slot) for slot in slots]
    label = max(as_labels, key=lambda slot: (slot.score, slot.places), default=None)
    label = label if label and label.score else None
    emotional = {slot.places for slot in as_labels if slot.score > 2}
    rest = [
        slot for slot in slots if slot.places not in emotional and not (label and slot.places == label.places)
    ]
    judged = [_as_speaker(slot, slots, label, len(some)) for slot in rest]
    speaker = max(filter(None, judged), key=lambda slot: slot.score, default=None)
    speaker = speaker if speaker and speaker.score >= LEAST else None
    label = label and replace(label, column=column_of(paths, label.places))
    speaker = speaker and replace(speaker, column=column_of(paths, speaker.places))
    named = {raw: meaning(raw) for raw in sorted(label.values)} if label else {}
    return Guess(label, speaker, named, list(_doubts(label, speaker, named, slots)))


def _slots(paths: Sequence[str]) -> list[Slot]:
    """The places that most paths have, and their folders as wholes."""
    parts = {path: cut(path) for path in paths}
    common = Counter(place for own in parts.values() for place in own)
    least = MOST_FILES * len(paths)
    slots = [
        Slot((place,), {path: own[place] for path, own in parts.items() if place in own})
        for place, number in common.items()
        if number >= least
    ]
    for depth in range(1, max(path.count("/") for path in paths) + 1):
        column = {path: path.split("/")[-1 - depth] for path in paths if path.count("/") >= depth}
        if len(column) >= least:
            slots.append(Slot(((depth, -1),), column))
    return slots


def column_of(paths: Sequence[str], places: Sequence[Place]) -> dict[str, str]:
    """What stands at some places of each path that has them."""
    column = {}
    for path in paths:
        own = cut(path)
        whole = {(depth, -1): folder for depth, folder in enumerate(reversed(path.split("/")[:-1]), start=1)}
        texts = [(own | whole).get(place) for place in places]
        if all(texts):
            column[path] = "".join(map(str, texts))
    return column


def _as_label(slot: Slot) -> Slot:
    """The slot with what speaks for its being the label."""
    values = slot.values
    if not 2 <= len(values) <= MOST_LABELS:
        return slot
    share = sum(number for value, number in values.items() if is_word(value)) / values.total()
    if share >= WORDS_SHARE:
        return Slot(slot.places, slot.column, 2 + share, "they are words for emotions")
    letters = all(len(value) <= 2 and value.isalpha() for value in values)
    if letters and len(values) > 2 and not _counted(values):
        fit, language = max((_beginning(values, own), language) for language, own in words().items())
        if fit >= LETTERS_SHARE:
            why = f"these letters begin words for emotions (language {language})"
            return Slot(slot.places, slot.column, fit + len(values) / 100, why)
    return slot


def _counted(values: Counter[str]) -> bool:
    """Whether letters count, a, b, c and on."""
    return "".join(sorted(values)).casefold() in string.ascii_lowercase


def _beginning(values: Counter[str], known: Mapping[str, str]) -> float:
    return sum(any(word.startswith(plain(value)) for word in known) for value in values) / len(values)


def _as_speaker(slot: Slot, slots: Sequence[Slot], label: Slot | None, files: int) -> Slot | None:
    """The slot with what speaks for its being the speaker; None where it cannot be."""
    place, values = slot.places[0], slot.values
    before = next((other for other in slots if other.places == ((place[0], place[1] - 1),)), None)
    cues = {plain(value) for value in before.values} if before and place[1] > 0 else set()
    found = {plain(value) for value in values}
    if not 2 <= len(values) <= max(2, files // 5) or found <= SPLIT_WORDS.keys() or found <= GENDERS | {"c"}:
        return None
    score, whys = _by_form(
        place, values, last=not any(other.places == ((place[0], place[1] + 1),) for other in slots)
    )
    if len(cues) == 1 and cues <= SPEAKER_CUES:
        score, whys = score + 4, [f"the word {cues.pop()} is before it", *whys]
    elif cues and cues <= OTHER_CUES:
        score -= 4
    elif before and all(value.isdigit() for value in values) and _tell_gender(cues, first=place == (0, 1)):
        joined = {path: before.column.get(path, "") + value for path, value in slot.column.items()}
        slot = Slot((*before.places, place), joined)
        score, whys = score + 3, ["a letter for the gender is before it", *whys]
    if label:
        score += _crossed(slot.column, label.column, bool(whys) and score >= 3, place)
    return Slot(slot.places, slot.column, score, ", ".join(whys) or "most speaks for it")


def _by_form(place: Place, values: Counter[str], *, last: bool) -> tuple[float, list[str]]:
    """Points for the form of the values and where they stand."""
    digits = all(value.isdigit() for value in values)
    score, whys = 0.0, []
    if place[0] > 0 and place[1] <= 0 and not digits:
        score, whys = 0.5, ["it is a folder"]
    if place[1] == -1:
        score, whys = 1.2, ["it is a folder of its own"]
    if place == (0, 0):
        score, whys = 1.0, ["it begins the name"]
    if digits and all(len(value) >= 4 for value in values):
        score += 1.5
    if digits and len(values) >= 10:
        score += 0.5
    if digits and last and place[0] == 0 and len(values) > 100:
        score -= 3  # a number that counts files
    return score + (min(1.0, len(values) / 60) if digits else 0.0), whys


def _tell_gender(texts: set[str], *, first: bool) -> bool:
    """Whether two texts are letters or words for the genders, perhaps after one same letter (SF, SM).

    One alone is enough where it begins the name, as in a corpus of men.
    """
    if len(texts) != 2:
        return first and len(texts) == 1 and texts <= GENDERS
    return texts <= GENDERS or (
        len({text[:1] for text in texts}) == 1 and {text[1:] for text in texts} <= GENDERS
    )


def _crossed(own: Column, labels: Column, certain: bool, place: Place) -> float:
    """Points for a value that comes with most labels, as speakers do, and against one that comes with few."""
    seen: dict[str, set[str]] = {}
    for path, value in own.items():
        if path in labels:
            seen.setdefault(value, set()).add(labels[path])
    share = sum(map(len, seen.values())) / len(seen) / len(set(labels.values())) if seen else 0.0
    if share >= 0.85:
        return 2.2 if place[0] > 0 and not all(value.isdigit() for value in seen) else 1.0
    if share >= 0.6:
        return 0.5
    return -3.0 if share < 0.4 and not certain else 0.0


def _doubts(
    label: Slot | None, speaker: Slot | None, named: Mapping[str, str | None], slots: Sequence[Slot]
) -> list[str]:
    doubts = []
    if label is None:
        doubts.append("no part of the names is an emotion: say where the labels are (`table`, or a map)")
    elif unknown := [raw for raw, name in named.items() if name is None]:
        doubts.append(f"these labels name no class beyond doubt: {', '.join(unknown)}")
    if speaker is None:
        doubts.append(
            "no part of the names is a speaker beyond doubt: without one it cannot be split by speaker"
        )
    else:
        doubts.append(f"are the {len(speaker.values)} values of the speaker really people? {speaker.why}")
    others = [slot for slot in slots if label and slot.places != label.places and _as_label(slot).score > 2]
    if label and any(dict(slot.column) != dict(label.column) for slot in others if slot.places[0][1] != -1):
        doubts.append("another part of the paths has words for emotions too, and does not always agree")
    return doubts

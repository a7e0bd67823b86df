"""The perturbations of test rows: kinds, levels with units, and default ladders (`perturbations.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import yaml
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from merdata.plugin import did_you_mean
from merdata_train.errors import RecipeError
from merdata_train.features import distort
from merdata_train.features.codecs import through_codec, through_gsm
from merdata_train.features.distort import Floats, Other

CLEAN, RECOGNISED = "clean", "recognised"
LAYER = re.compile(r"asr/[A-Za-z0-9][A-Za-z0-9_.+-]*")


class Kind(TypedDict):
    """A kind of perturbation, as perturbations.yaml describes it."""

    modality: Literal["audio", "text"]
    about: str
    unit: str
    clean: float | Literal["clean"]
    levels: list[float]
    limits: tuple[float, float]


@dataclass(frozen=True)
class Perturbation:
    """A kind at a level: a number, or the name of a layer of transcripts."""

    kind: str
    level: float | str

    @property
    def facts(self) -> Kind:
        return kinds()[self.kind]

    @property
    def is_clean(self) -> bool:
        return self.level == self.facts["clean"]

    @property
    def place(self) -> float:
        """Orders the levels of a kind: from clean on, or from low to high where clean is between others."""
        if isinstance(self.level, str):
            return 0.0
        return -self.level if self.facts["clean"] == float("inf") else self.level

    @property
    def shown(self) -> str:
        """The level as text: `clean`, or a number."""
        if isinstance(self.level, str):
            return self.level
        return CLEAN if self.is_clean else f"{self.level:g}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.shown}"


@cache
def kinds() -> dict[str, Kind]:
    """Name -> what is known of it, in the order of the file."""
    text = (files(__package__) / "perturbations.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, Kind]).validate_python(yaml.safe_load(text))


def ladder(asked: list[str]) -> list[Perturbation]:
    """The perturbations that are asked for, each once: `KIND` is its default levels, `KIND:LEVEL` one.

    Raises:
        RecipeError: there is no such kind, or the level is not one of it.
    """
    return list(dict.fromkeys(step for words in asked for step in _steps(words)))


def _steps(words: str) -> list[Perturbation]:
    kind, colon, level = words.partition(":")
    if kind not in kinds():
        hint = did_you_mean(kind, kinds())
        raise RecipeError(f"there is no perturbation {kind!r}{hint}; there are {', '.join(kinds())}")
    facts = kinds()[kind]
    if kind == RECOGNISED:
        if level != CLEAN and not LAYER.fullmatch(level):
            raise RecipeError(f"--perturb {words}: name a layer of transcripts, as in {RECOGNISED}:asr/NAME")
        return [Perturbation(kind, level)]
    if not colon:
        return [Perturbation(kind, number) for number in facts["levels"]]
    return [Perturbation(kind, facts["clean"] if level == CLEAN else _number(words, level, facts))]


def _number(words: str, level: str, facts: Kind) -> float:
    lowest, highest = facts["limits"]
    try:
        number = float(level)
    except ValueError:
        number = float("nan")
    whole = words.startswith("gsm")
    if number == facts["clean"] or (lowest <= number <= highest and not (whole and number % 1)):
        return number
    kind = "a whole number of " if whole else ""
    raise RecipeError(
        f"--perturb {words}: the level is {kind}{facts['unit']}, from {lowest:g} to {highest:g}, or {CLEAN}"
    )


def perturbed(samples: Floats, step: Perturbation, other: Other, random: np.random.Generator) -> Floats:
    """A recording (float32 `[n]`, 16 kHz, in [-1, 1)) at a step of the ladder, in the same form.

    Args:
        samples: the recording.
        step: a perturbation of audio that is not clean.
        other: gives another recording, for babble.
        random: chooses all else.
    """
    level = float(step.level)
    if step.kind == "babble":
        return distort.with_babble(samples, other, level, random)
    if step.kind == "noise":
        return distort.with_white_noise(samples, level, random)
    if step.kind == "reverberation":
        return distort.in_a_room(samples, level, random)
    if step.kind == "gsm":
        return through_gsm(samples, int(level))
    if step.kind in ("opus", "mp3", "aac"):
        return through_codec(samples, step.kind, level)
    return PLAIN[step.kind](samples, level)


PLAIN: dict[str, Callable[[Floats, float], Floats]] = {
    "telephone": distort.telephone,
    "clipping": distort.clipped,
    "level": distort.amplified,
    "speed": distort.faster,
    "truncation": distort.cut_off,
}

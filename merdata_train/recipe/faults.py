"""The faults of a recipe in words: the key, what is wrong with it, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from merdata.plugin import did_you_mean
from merdata_train.parts.auxiliaries import AUXILIARIES
from merdata_train.parts.model import BLOCKS, INTERACTIONS
from merdata_train.parts.models import MODELS
from merdata_train.recipe.features import FEATURE_TAGS
from merdata_train.recipe.loss import LOSS_TAGS

# pydantic names the tag of a chosen kind in the place of a fault, though no recipe has such a key.
TAGS: dict[str, type[BaseModel]] = {
    **FEATURE_TAGS,
    **MODELS,
    **BLOCKS,
    **INTERACTIONS,
    **LOSS_TAGS,
    **AUXILIARIES,
}
ALTERNATIVES = re.compile(r"(literal|list)\[.*|constrained-.*|str")  # so it names each type of a union
NAMED = "auxiliary"  # its keys are names that a recipe chooses, which may be those of kinds
MOST_FAULTS = 20
FEW_KEYS = 8  # a message lists so many
SHOWN = 100  # letters of a value
# A fault between keys names their values itself, and that of a list its length: the input would be the whole.
TELL_WHAT_IS_THERE = ("missing", "value_error", "too_short", "too_long")


def faults(
    error: ValidationError, model: type[BaseModel], tags: Mapping[str, type[BaseModel]] = TAGS
) -> Iterator[str]:
    """A sentence on each fault of a recipe, or of what else is checked by `model`, up to 20 of them."""
    several = error.errors()
    for fault in several[:MOST_FAULTS]:
        key, said = _cut(".".join(_keys(fault["loc"], tags))), _said(fault, model, tags)
        yield f"{key}: {said}" if key else said
    if len(several) > MOST_FAULTS:
        yield f"and {len(several) - MOST_FAULTS:,} more faults"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _keys(location: tuple[int | str, ...], tags: Container[int | str]) -> Iterator[str]:
    """The keys of a location as a recipe has them."""
    for before, step in zip(("", *location), location, strict=False):
        if (step not in tags or before == NAMED) and not ALTERNATIVES.fullmatch(str(step)):
            yield str(step)


def _said(fault: ErrorDetails, model: type[BaseModel], tags: Mapping[str, type[BaseModel]]) -> str:
    if fault["type"] == "extra_forbidden":
        known = _keys_beside(fault["loc"], model, tags)
        hint = did_you_mean(str(fault["loc"][-1]), known)
        few = f"; there are {', '.join(known)}" if len(known) <= FEW_KEYS else ""
        return f"unknown key{hint or few}"
    if fault["type"] == "union_tag_invalid":
        return _unknown_kind(fault["ctx"]["tag"], fault["ctx"]["expected_tags"])
    message = fault["msg"].removeprefix("Value error, ")
    given = "" if fault["type"] in TELL_WHAT_IS_THERE else f", not {_cut(repr(fault['input']))}"
    return f"{message[0].lower()}{message[1:]}{given}"


def _unknown_kind(kind: str, expected: str) -> str:
    """`expected` is pydantic's list of tags; those of encoders have their modality in front."""
    known = [tag.strip("'").removeprefix("audio_").removeprefix("text_") for tag in expected.split(", ")]
    return f"there is no kind {_cut(kind)!r}{did_you_mean(kind, known)}: the kinds are {', '.join(known)}"


def _keys_beside(
    location: tuple[int | str, ...], model: type[BaseModel], tags: Mapping[str, type[BaseModel]]
) -> list[str]:
    """The keys that the part around `location` knows."""
    part = model
    for step in location[:-1]:
        if step in tags:
            part = tags[str(step)]
        elif step in part.model_fields:
            part = _part_in(part.model_fields[str(step)].annotation) or part
    return list(part.model_fields)


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The part that an annotation is, or that it is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for argument in get_args(annotation) if (part := _part_in(argument))), None)

"""Recipes: what to train, as data. YAML with one parent (`base:`) and dotted overrides, checked whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from merdata.plugin import load_yaml, reason_of
from merdata_train.errors import RecipeError
from merdata_train.parts.auxiliaries import AnyAuxiliary
from merdata_train.parts.auxiliary import Auxiliary
from merdata_train.parts.models import AnyModel
from merdata_train.parts.part import Modality, Part, Share, distinct
from merdata_train.recipe.augment import Augment
from merdata_train.recipe.data import Context, Data
from merdata_train.recipe.faults import TAGS, faults
from merdata_train.recipe.features import AudioEncoder, Features, TextEncoder
from merdata_train.recipe.files import MODALITIES, find_recipe, read_tree
from merdata_train.recipe.loss import CrossEntropy, LossPart
from merdata_train.recipe.stage import Ema, Selection, Stage


def _named_apart(stages: list[Stage]) -> list[Stage]:
    distinct([stage.name for stage in stages])
    return stages


class Recipe(Part):
    """A whole recipe, resolved: all that defines a run except the rows."""

    name: Annotated[str, Field(min_length=1)]
    store: str = "store"
    protocol: str = "mer"
    fold: Annotated[int, Field(ge=0)] | str = 0  # number, or name as in loco
    labels: str = "mer7"
    data: Data = Data()
    modalities: Annotated[list[Modality], AfterValidator(distinct)] = Field([*MODALITIES], min_length=1)
    features: Features = Features()
    context: Context | None = None
    model: AnyModel
    modality_dropout: Share = 0.0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    ema: Ema | None = None
    augment: Augment | None = None
    loss: LossPart = CrossEntropy()
    auxiliary: dict[str, AnyAuxiliary | None] = Field(default={})
    stages: Annotated[list[Stage], AfterValidator(_named_apart)] = Field([Stage()], min_length=1)
    selection: Selection = Selection()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0  # numpy's limit

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if self.modality_dropout and len(self.modalities) < 2:
            raise ValueError("modality_dropout needs two modalities: set modality_dropout=0")
        for name, key in (("audio", "noise"), ("text", "transcript")):
            if self.augment and getattr(self.augment, key) and name not in self.modalities:
                raise ValueError(f"augment.{key} changes {name}, and modalities does not have {name}")
        if self.context and "text" not in self.modalities:
            raise ValueError("context is text, and modalities does not have text: set context=null")
        if self.data.text and "text" not in self.modalities:
            raise ValueError("data.text names texts, and modalities does not have text: set data.text=null")
        if self.data.text and self.features.text.column != "text":
            raise ValueError("data.text takes the place of the text, and features.text.column is prompt")
        if self.context and self.context.separate and isinstance(self.features.text, TextEncoder):
            raise ValueError(
                "context.separate is for hashed words: an encoder reads history and target together"
            )
        for name in self.auxiliary:
            if not name.isidentifier() or name == "classes":
                raise ValueError(f"auxiliary.{name}: choose a name of letters, digits and _, not `classes`")
        needing = [name for name, part in self.auxiliaries().items() if part.needs_target]
        if needing and self.data.unlabelled is None:
            raise ValueError(f"auxiliary.{needing[0]} needs rows of the target: name them in data.unlabelled")
        if self.data.unlabelled is not None and not needing:
            raise ValueError("data.unlabelled is read by no loss: add one to auxiliary, as {kind: coral}")
        return self

    def auxiliaries(self) -> dict[str, Auxiliary]:
        """The losses beside that of the classes, without those that are switched off by null."""
        return {name: part for name, part in self.auxiliary.items() if part is not None}

    def encoders(self) -> dict[str, AudioEncoder | TextEncoder]:
        """The pretrained encoders of the modalities that the recipe uses."""
        parts = {"audio": self.features.audio, "text": self.features.text}
        used = {name: parts[name] for name in self.modalities}
        return {name: part for name, part in used.items() if isinstance(part, AudioEncoder | TextEncoder)}

    def selection_of(self, stage: Stage) -> Selection:
        """What chooses the epoch of a stage."""
        return stage.selection or self.selection


def load_recipe(name: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A recipe from a file, or by the name of one that ships (`source0/A1`).

    Args:
        name: path or name.
        overrides: `dotted.key=value`, the value in YAML; items of lists by number (`stages.0.epochs=3`).

    Raises:
        RecipeError: with every fault of the recipe, each with its key.
    """
    path = find_recipe(name)
    tree = read_tree(path)
    for override in overrides:
        _apply(tree, override)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise RecipeError(f"{path}: {'; '.join(faults(error, Recipe))}") from error


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"override {override!r} is not of the form key=value, as in stages.0.epochs=3")
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: {reason_of(error)}") from error
    *parents, last = key.split(".")
    place: Any = tree
    try:
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if last == "kind" and isinstance(place, dict):
            _leave_to(place, str(value))
        place[int(last) if isinstance(place, list) else last] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise RecipeError(f"override {override!r}: the recipe has no {key}") from error


def _leave_to(part: dict[str, Any], kind: str) -> None:
    """Take away the keys of a part that mean nothing, or something else, in another kind of it."""
    old, new = (TAGS[each].model_fields if each in TAGS else {} for each in (part.get("kind"), kind))
    if new:
        for key in [key for key in part if key in old and key != "kind"]:
            if key not in new or new[key].annotation != old[key].annotation:
                del part[key]

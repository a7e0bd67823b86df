"""What every part of a recipe has in common, and the kinds of values that several parts use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field

Metric = Literal["uar", "weighted_f1", "macro_f1", "accuracy"]
Modality = Literal["audio", "text"]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]


def distinct(names: list[str]) -> list[str]:
    """The names, of which none may be listed twice.

    Raises:
        ValueError: one is.
    """
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{name!r} is listed twice")
    return names


# An empty list is refused: it would read as "none" to one person and as "all" to another.
Names = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]


class Part(BaseModel):
    """A part of a recipe: unknown keys are refused, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def by_kind(default: str, **tags: str) -> Discriminator:
    """Tell the parts of a union apart by `kind`; `default` is that of a recipe that names none."""

    def tag(given: Any) -> str:
        kind = given.get("kind", default) if isinstance(given, dict) else getattr(given, "kind", "")
        return tags.get(str(kind), str(kind))

    return Discriminator(tag)

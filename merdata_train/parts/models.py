"""Every kind of model, by the name of its fusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from merdata_train.parts import fusions
from merdata_train.parts.kinds import kinds, union
from merdata_train.parts.model import Model

MODELS = kinds(fusions, Model)  # type: ignore[type-abstract]
if TYPE_CHECKING:
    AnyModel = Model
else:
    AnyModel = union(MODELS)
MODEL: TypeAdapter[Model] = TypeAdapter(AnyModel)

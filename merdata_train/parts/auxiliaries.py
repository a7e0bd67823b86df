"""Every kind of auxiliary loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from merdata_train.parts import losses
from merdata_train.parts.auxiliary import Auxiliary
from merdata_train.parts.kinds import kinds, union

AUXILIARIES = kinds(losses, Auxiliary)  # type: ignore[type-abstract]
if TYPE_CHECKING:
    AnyAuxiliary = Auxiliary
else:
    AnyAuxiliary = union(AUXILIARIES)
AUXILIARY: TypeAdapter[Auxiliary] = TypeAdapter(AnyAuxiliary)

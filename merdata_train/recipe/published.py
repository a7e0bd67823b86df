"""What others published of an experiment: shown beside our numbers and set apart from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from merdata_train.parts.part import Metric


class Published(BaseModel):
    """Scores that somebody published of the same experiments, on test rows of their own.

    Attributes:
        title: what they are.
        n: test set -> its rows.
        scores: cell -> test set -> metric -> value.
        best: the cell that they call the best trade-off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    n: dict[str, int]
    scores: dict[str, dict[str, dict[Metric, float]]]
    best: str | None = None


class Document(BaseModel):
    """A table that somebody published, of rows or a protocol that need not be ours.

    Attributes:
        title: what it shows.
        source: where it was published.
        columns: the first is that of the rows' names.
        rows: as published.
        faults: what is known to be wrong with it, one sentence each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    source: str
    columns: Annotated[list[str], Field(min_length=2)]
    rows: Annotated[list[list[str | int | float]], Field(min_length=1)]
    faults: list[str] = []

    @model_validator(mode="after")
    def _check(self) -> Document:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"row {row[:1]} has {len(row)} values for {len(self.columns)} columns")
        return self

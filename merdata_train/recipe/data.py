"""The rows of a recipe: which of the store's, how an epoch draws them, and their context."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from merdata_train.parts.part import Names, Part, Positive


class Rows(Part):
    """Which rows: corpora and languages by name, None for all; `columns` has the values of other columns."""

    corpora: Names | None = None
    languages: Names | None = None
    columns: dict[str, Names] = Field(default={})


class Data(Rows):
    """The rows of a recipe. A key under `train`, `validation` or `test` replaces the one for all splits.

    `unlabelled`: train rows of a target, whose labels are not looked at, for the losses that compare domains.
    `text`: a layer of transcripts, `asr/NAME`, whose texts the model reads in the place of the corpus's.
    """

    train: Rows = Rows()
    validation: Rows = Rows()
    test: Rows = Rows()
    unlabelled: Rows | None = None
    text: Annotated[str, Field(pattern=r"^asr/[A-Za-z0-9][A-Za-z0-9_.+-]*$")] | None = None

    def of_split(self, split: str) -> Rows:
        """The rows of one split."""
        own: Rows = getattr(self, split)
        return Rows(
            corpora=own.corpora or self.corpora,
            languages=own.languages or self.languages,
            columns=self.columns | own.columns,
        )


class Context(Part):
    """Earlier utterances of the dialogue, put before the target in its text.

    `separate` hashes target and history into two blocks: in one block, a long history drowns the target.
    """

    previous: Annotated[int, Field(ge=0)] = 0
    speaker_prefix: bool = True
    separate: bool = False


class Balance(Part):
    """Draw corpora, and inside each its classes, evenly.

    Both are exponents: at 1 every corpus has the same share of the draws and, inside it, every class (a class
    with less than a tenth of an even share gets less); at 0 they keep their sizes, between they are tempered.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    corpus: Annotated[float, Field(ge=0)] = 1.0
    class_: Annotated[float, Field(ge=0, alias="class")] = 1.0


class Sampler(Part):
    """How an epoch draws its rows: with replacement, as many as there are.

    Without a sampler every row comes once. `upweight` multiplies the weight of corpora or domains (acted,
    conversational); `mix` gives their shares, whatever their sizes. Where a corpus and its domain are both
    named, the corpus counts.
    """

    balance: Balance | None = None
    upweight: dict[str, Positive] = Field(default={})
    mix: dict[str, Positive] = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> Sampler:
        if self.mix and (self.balance or self.upweight):
            raise ValueError("`mix` cannot be combined with `balance` or `upweight`")
        if not (self.mix or self.balance or self.upweight):
            raise ValueError(
                "a sampler needs balance, upweight or mix; leave the sampler out to draw every row once"
            )
        return self

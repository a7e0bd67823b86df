"""Augmentation of train rows: transcripts as a recogniser errs, recordings as conversations sound."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from merdata_train.parts.part import Part, Share, distinct

NoiseKind = Literal["babble", "reverberation", "telephone", "codec"]


class TranscriptErrors(Part):
    """The share of words that are dropped, swapped with the next, or replaced by one of other train rows."""

    drop: Share = 0.0
    swap: Share = 0.0
    replace: Share = 0.0

    @model_validator(mode="after")
    def _check(self) -> TranscriptErrors:
        if not 0 < self.drop + self.swap + self.replace < 1:
            raise ValueError("drop, swap and replace must add up to more than 0 and less than 1")
        return self


class Noise(Part):
    """One of `kinds` in a share `probability` of the recordings.

    babble: four other train recordings at a signal-to-noise ratio from `snr_db`; reverberation: a room of
    random length and decay; telephone: 300 to 3,400 Hz; codec: 8 kHz and eight bits by the mu-law (G.711).
    """

    probability: Annotated[float, Field(gt=0, le=1)] = 0.5
    snr_db: tuple[float, float] = (5, 20)
    kinds: Annotated[list[NoiseKind], AfterValidator(distinct)] = Field(
        default=["babble", "reverberation", "telephone", "codec"], min_length=1
    )

    @model_validator(mode="after")
    def _check(self) -> Noise:
        if self.snr_db[0] > self.snr_db[1]:
            raise ValueError(f"snr_db must go up, not from {self.snr_db[0]:g} to {self.snr_db[1]:g}")
        return self


class Augment(Part):
    """What becomes of train rows, drawn again in each epoch; seeded by run, stage, epoch and row."""

    transcript: TranscriptErrors | None = None
    noise: Noise | None = None

"""The features of a recipe: what becomes of a clip and of a transcript."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator
from typing_extensions import Self

from merdata_train.parts.part import Count, Part, Positive, by_kind

SAMPLES_PER_MS = 16  # the audio of a store is 16 kHz
COMMIT = re.compile("[0-9a-f]{40}")
LAYER_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
Milliseconds = Annotated[float, Field(ge=1, allow_inf_nan=False)]
# What is read: the transcript, or the prompt alone, where a corpus puts its prompts into a carrier sentence.
TextColumn = Literal["text", "prompt"]
Layer = Annotated[int, Field(ge=0)]
Layers = Literal["last", "learned"] | Layer | Annotated[tuple[Layer, ...], Field(min_length=2)]


class Mfcc(Part):
    """MFCC: mean and standard deviation over time, 2 x n_mfcc values; with `pool: none` every frame."""

    kind: Literal["mfcc"] = "mfcc"
    n_mfcc: Count = 80
    n_mels: Count = 128
    n_fft: Count = 512
    win_ms: Milliseconds = 25
    hop_ms: Milliseconds = 10
    pool: Literal["mean_std", "none"] = "mean_std"

    @model_validator(mode="after")
    def _check(self) -> Mfcc:
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc {self.n_mfcc} is more than n_mels {self.n_mels}")
        if self.win_ms * SAMPLES_PER_MS > self.n_fft:
            raise ValueError(f"a window of {self.win_ms:g} ms is longer than n_fft {self.n_fft} at 16 kHz")
        return self


class Egemaps(Part):
    """eGeMAPS v02 through opensmile: 88 functionals of the clip (the extra `egemaps`)."""

    kind: Literal["egemaps"]


class Stored(Part):
    """Features that any extractor made, in a layer of the store: `merdata_train features NAME` fills one.

    `model` names what made them, so that a corpus it was trained on is seen. A model of such features cannot
    hear a recording by itself.
    """

    kind: Literal["stored"]
    name: Annotated[str, Field(pattern=LAYER_NAME)]
    width: Count
    model: str = ""
    pool: Literal["mean", "mean_std", "none"] = "none"


AudioFeatures = Mfcc | Egemaps | Stored


class Hashing(Part):
    """scikit-learn's HashingVectorizer over the text."""

    kind: Literal["hashing"] = "hashing"
    n_features: Count = 768
    ngrams: tuple[Count, Count] = (1, 1)
    column: TextColumn = "text"

    @model_validator(mode="after")
    def _check(self) -> Hashing:
        shortest, longest = self.ngrams
        if shortest > longest:
            raise ValueError(f"ngrams must go up, not from {shortest} to {longest}")
        return self


class Encoder(Part):
    """A pretrained encoder: a folder, or `OWNER/NAME` on the Hub at a commit.

    `layers` says which hidden states are read: the last layer's, the k-th layer's (0 is the input of the
    first layer), the mean over a range of layers (two numbers, both ends count) or over a list of more, or a
    mixture of all layers with learned weights. `pool: none` gives every state to the model's blocks.
    """

    kind: Literal["encoder"]
    model: str
    revision: str | None = None
    layers: Layers = "last"

    @model_validator(mode="after")
    def _check(self) -> Self:
        # An absolute path may be that of a run whose encoder was moved since.
        if self.revision is None and not (Path(self.model).is_dir() or Path(self.model).is_absolute()):
            raise ValueError(
                f"{self.model!r} is not a folder; for a model on the Hub give `revision`, the 40 digits of a "
                "commit: a branch may change"
            )
        if self.revision is not None and not COMMIT.fullmatch(self.revision):
            raise ValueError(f"revision {self.revision!r} is not the 40 hexadecimal digits of a commit")
        if isinstance(self.layers, tuple) and list(self.layers) != sorted(set(self.layers)):
            raise ValueError(f"layers must go up, not {', '.join(map(str, self.layers))}")
        return self


class AudioEncoder(Encoder):
    """Whisper's encoder, or any AutoModel of transformers that takes samples: WavLM, HuBERT, wav2vec 2.0.

    A clip is cut after `seconds`; Whisper hears 30 at most. Its vector is pooled over its own frames.
    """

    seconds: Positive = 10
    pool: Literal["mean", "mean_std", "attention", "none"] = "mean_std"


class TextEncoder(Encoder):
    """Any AutoModel of transformers that takes tokens: RoBERTa, BERT, XLM-R.

    A text of more than `max_tokens` loses its oldest history first. `target` is the mean over the tokens of
    the utterance itself; the other ways of pooling include its history.
    """

    max_tokens: Annotated[int, Field(ge=8)] = 128
    column: TextColumn = "text"
    pool: Literal["cls", "mean", "target", "mean_std", "attention", "none"] = "cls"


class Features(Part):
    """The features of each modality."""

    audio: Annotated[
        Annotated[Mfcc, Tag("mfcc")]
        | Annotated[Egemaps, Tag("egemaps")]
        | Annotated[Stored, Tag("stored")]
        | Annotated[AudioEncoder, Tag("audio_encoder")],
        by_kind("mfcc", encoder="audio_encoder"),
    ] = Mfcc()
    text: Annotated[
        Annotated[Hashing, Tag("hashing")] | Annotated[TextEncoder, Tag("text_encoder")],
        by_kind("hashing", encoder="text_encoder"),
    ] = Hashing()


FEATURE_TAGS: dict[str, type[Part]] = {
    "mfcc": Mfcc,
    "egemaps": Egemaps,
    "stored": Stored,
    "hashing": Hashing,
    "audio_encoder": AudioEncoder,
    "text_encoder": TextEncoder,
}

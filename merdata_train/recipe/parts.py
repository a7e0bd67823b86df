"""The parts of a recipe, each checked by itself; `recipe.py` puts them together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)
from typing_extensions import Self

Metric = Literal["uar", "weighted_f1", "macro_f1", "accuracy"]
Modality = Literal["audio", "text"]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=1, allow_inf_nan=False)]

SAMPLES_PER_MS = 16  # the audio of a store is 16 kHz


def distinct(names: list[str]) -> list[str]:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ValueError(f"{name!r} stands there twice")
    return names


# An empty list is refused: it would read as "none" to one person and as "all" to another.
Names = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]


class Part(BaseModel):
    """A part of a recipe: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """Which rows of the store: corpora and languages by name, None for all."""

    corpora: Names | None = None
    languages: Names | None = None


class Mfcc(Part):
    """MFCC, mean and standard deviation over time: 2 x n_mfcc values (models.md 1.1)."""

    kind: Literal["mfcc"] = "mfcc"
    n_mfcc: Count = 80
    n_mels: Count = 128
    n_fft: Count = 512
    win_ms: Milliseconds = 25
    hop_ms: Milliseconds = 10

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


Layers = Literal["last", "learned"] | Annotated[int, Field(ge=0)] | tuple[Count, Count]
COMMIT = re.compile("[0-9a-f]{40}")


class Encoder(Part):
    """A pretrained encoder: a folder, or `OWNER/NAME` on the Hub at a commit.

    `layers` is what is read of it: the last, the k-th (0 is what goes into the first), the mean of a range
    (both ends count), or a mixture of all with weights that are learned.
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
                f"{self.model!r} is no folder here; for a model of the Hub give `revision`, the 40 digits of "
                "a commit: a branch may change"
            )
        if self.revision is not None and not COMMIT.fullmatch(self.revision):
            raise ValueError(f"revision {self.revision!r} is not the 40 hexadecimal digits of a commit")
        if isinstance(self.layers, tuple) and self.layers[0] > self.layers[1]:
            raise ValueError(f"layers must go up, not from {self.layers[0]} to {self.layers[1]}")
        return self


class AudioEncoder(Encoder):
    """Any AutoModel of transformers that takes samples: WavLM, HuBERT, wav2vec 2.0 (models.md 1.2).

    A clip is cut after `seconds`. Its vector is pooled over its own frames.
    """

    seconds: Positive = 10
    pool: Literal["mean", "mean_std", "attention"] = "mean_std"


class TextEncoder(Encoder):
    """Any AutoModel of transformers that takes tokens: RoBERTa, BERT, XLM-R (models.md 1.2).

    A text of more than `max_tokens` loses its oldest history first. `target` is the mean over the tokens of
    the utterance itself; other ways of pooling take what was said before it, too.
    """

    max_tokens: Annotated[int, Field(ge=8)] = 128
    pool: Literal["cls", "mean", "target", "mean_std", "attention"] = "cls"


def _kind_or(default: str, encoder: str) -> Discriminator:
    """The tag of a kind: `default` where none is said, `encoder` where it is one."""

    def tag(given: Any) -> str:
        kind = given.get("kind", default) if isinstance(given, dict) else getattr(given, "kind", "")
        return encoder if kind == "encoder" else str(kind)

    return Discriminator(tag)


AudioFeatures = Mfcc | Egemaps


class Hashing(Part):
    """scikit-learn's HashingVectorizer over the transcript."""

    kind: Literal["hashing"] = "hashing"
    n_features: Count = 768
    ngrams: tuple[Count, Count] = (1, 1)

    @model_validator(mode="after")
    def _check(self) -> Hashing:
        shortest, longest = self.ngrams
        if shortest > longest:
            raise ValueError(f"ngrams must go up, not from {shortest} to {longest}")
        return self


class Features(Part):
    audio: Annotated[
        Annotated[Mfcc, Tag("mfcc")]
        | Annotated[Egemaps, Tag("egemaps")]
        | Annotated[AudioEncoder, Tag("audio_encoder")],
        _kind_or("mfcc", "audio_encoder"),
    ] = Mfcc()
    text: Annotated[
        Annotated[Hashing, Tag("hashing")] | Annotated[TextEncoder, Tag("text_encoder")],
        _kind_or("hashing", "text_encoder"),
    ] = Hashing()


class Gated(Part):
    """Gated fusion of two vectors (source 0, section 3.1)."""

    kind: Literal["gated"]
    width: Count = 128
    hidden: Count = 256
    dropout: Share = 0.1


class Tokens(Part):
    """The modality-token Transformer (source 0, section 3.2)."""

    kind: Literal["tokens"]
    width: Count = 256
    layers: Count = 4
    heads: Count = 8
    ffn_mult: Count = 4
    ffn: Literal["swiglu", "gelu"] = "swiglu"
    dropout: Share = 0.1
    modality_embedding: bool = True

    @model_validator(mode="after")
    def _check(self) -> Tokens:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


ModelPart = Annotated[Gated | Tokens, Field(discriminator="kind")]
MODEL: TypeAdapter[Gated | Tokens] = TypeAdapter(ModelPart)


# The tags that stand in the places of pydantic's faults, though in no recipe.
KINDS: dict[str, type[BaseModel]] = {
    "mfcc": Mfcc,
    "egemaps": Egemaps,
    "hashing": Hashing,
    "audio_encoder": AudioEncoder,
    "text_encoder": TextEncoder,
    "gated": Gated,
    "tokens": Tokens,
}


class Context(Part):
    """Earlier utterances of the dialogue, before the target in its text (source 0, section 2.3).

    `separate` hashes target and history into two blocks: in one, a long history drowns the target.
    """

    previous: Annotated[int, Field(ge=0)] = 0
    speaker_prefix: bool = True
    separate: bool = False


class Ema(Part):
    """Exponential moving average of the weights: it is what is validated, selected and saved."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999


class Balance(Part):
    """Draw rows by (1 / rows of the corpus)^corpus x (1 / rows of the class in the corpus)^class."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    corpus: Annotated[float, Field(ge=0)] = 1.0
    class_: Annotated[float, Field(ge=0, alias="class")] = 1.0


class Sampler(Part):
    """How an epoch draws its rows: with replacement, as many as there are (models.md 1.1).

    Without one every row comes once. `upweight` multiplies a corpus's weight; `mix` gives the shares of
    corpora or domains (acted, conversational), whatever their sizes.
    """

    balance: Balance | None = None
    upweight: dict[str, Positive] = {}
    mix: dict[str, Positive] = {}

    @model_validator(mode="after")
    def _check(self) -> Sampler:
        if self.mix and (self.balance or self.upweight):
            raise ValueError("a mix says all there is to say: take balance and upweight out")
        if not (self.mix or self.balance or self.upweight):
            raise ValueError("a sampler needs balance, upweight or mix; without one every row comes once")
        return self


class Loss(Part):
    label_smoothing: Share = 0.1
    class_weights: Literal["balanced", "none"] = "balanced"


class Plateau(Part):
    """ReduceLROnPlateau on the selection metric of the validation rows."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 3
    min_lr: Annotated[float, Field(ge=0)] = 1e-6


class Selection(Part):
    """The validation metric that chooses the epoch, and the rows that it is taken over.

    `over`: all rows; those of a domain (acted, conversational) or corpus; or several with + between them,
    whose mean counts (retention: acted+conversational).
    """

    metric: Metric = "uar"
    over: str = "all"


class Stage(Part):
    """One stage of training; `patience` is that of early stopping, in epochs.

    `batch_size` rows make a step. With encoders it is taken in parts of at most `batch_seconds` padded
    seconds on a device; `checkpointing` computes activations twice to hold fewer of them. `warmup` is the
    share of the steps over which the learning rates rise.

    Of an encoder's layers the highest has its group's learning rate, each below it `llrd` times that of the
    one above; what is in none of them counts as one more.

    `init` is the folder of a run (or of its model) to start from, or the names of recipes: then it is the one
    of their finished runs on the same rows and split that validation finds best. Without it a stage goes on
    from the best weights of the stage before. `freeze` and `lr_groups` name modules, as in fusion.project; an
    encoder that the recipe's modalities leave out is passed over. `data` narrows the recipe's, for train and
    validation. `selection` replaces the recipe's.
    """

    name: str = "main"
    epochs: Count = 100
    batch_size: Count = 256
    lr: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip: Positive = 1.0
    warmup: Share = 0.0
    batch_seconds: Positive = 160
    checkpointing: bool = False
    plateau: Plateau = Plateau()
    patience: Count = 10
    init: str | list[str] | None = None
    freeze: list[str] = []
    lr_groups: dict[str, Positive] = {}
    llrd: Annotated[float, Field(gt=0, le=1)] = 1.0
    sampler: Sampler | None = None
    data: Data = Data()
    selection: Selection | None = None

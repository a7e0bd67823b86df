"""The model that is trained, saved and opened again: standardisation, fusion, head, names of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, cast

from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from torch import Tensor, nn

from merdata_train.data.context import text_width
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.encoders.pretrained import load_config, load_weights, pinned
from merdata_train.errors import RecipeError, RunError
from merdata_train.features import audio
from merdata_train.models.assembly import Branch, Pools, xavier
from merdata_train.models.standardise import Standardise
from merdata_train.parts.auxiliaries import AUXILIARY
from merdata_train.parts.auxiliary import Auxiliary, Read, Widths
from merdata_train.parts.model import FusesVectors, Model
from merdata_train.parts.models import MODEL
from merdata_train.parts.stream import Shape, Shapes, Stream
from merdata_train.recipe.data import Context
from merdata_train.recipe.features import AudioEncoder, Features, Hashing, TextEncoder
from merdata_train.recipe.recipe import Recipe

Batch = Mapping[str, Tensor]
MOST_BYTES = 1 << 20  # of a configuration


@dataclass(frozen=True)
class ModelOutput:
    """What a model says of a batch.

    Attributes:
        logits: of the classes, `[B, classes]`.
        embeddings: `fusion`, and for each modality the mean of its branch, before the modalities met.
        attentions: of the interaction, layer and modality -> `[B, heads, T, T of the other modality]`.
        lengths: of the streams that attend, modality -> `[B]`.
        gates: of the fusion, name -> `[B, width or 1]`.
        heads: what each auxiliary loss reads, in training.
    """

    logits: Tensor
    embeddings: dict[str, Tensor]
    attentions: dict[str, Tensor] = field(default_factory=dict)
    gates: dict[str, Tensor] = field(default_factory=dict)
    heads: dict[str, Tensor] = field(default_factory=dict)
    lengths: dict[str, Tensor] = field(default_factory=dict)


class EmotionModel(nn.Module, PyTorchModelHubMixin, library_name="merdata"):
    """Modality vectors to emotion logits.

    `save_pretrained` writes safetensors and a JSON config that holds everything needed to predict: the
    classes by name, the modalities and their features, and the modalities that it was trained to miss
    (`missed`): without another one its answers mean little. `from_pretrained` opens it, from a folder or the
    Hub.
    """

    def __init__(
        self,
        classes: list[str],
        modalities: list[str],
        features: dict[str, Any],
        model: dict[str, Any],
        context: dict[str, Any] | None = None,
        encoders: dict[str, dict[str, Any]] | None = None,
        temperature: float = 1.0,
        missed: list[str] | None = None,
        auxiliary: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        if not 0 < temperature < float("inf"):
            raise ValueError(f"a temperature of {temperature} divides nothing")
        self.temperature, self.missed = temperature, list(missed or [])
        self.classes = list(classes)
        self.modalities = list(modalities)
        self.features = Features.model_validate(features)
        self.context = None if context is None else Context.model_validate(context)
        shapes: dict[str, Shape] = {}
        for name in modalities:
            part = self.features.audio if name == "audio" else self.features.text
            if isinstance(part, AudioEncoder | TextEncoder):
                encoder = PretrainedEncoder(part, (encoders or {})[name])
                self.add_module(f"{name}_encoder", encoder)
                shapes[name] = encoder.shape
            elif isinstance(part, Hashing):
                shapes[name] = Shape(text_width(part, self.context), sequence=False)
            else:
                shapes[name] = audio.shape(part)
        sparse = {"text"} if isinstance(self.features.text, Hashing) else set()
        scalers = {name: Standardise(shape.width, sparse=name in sparse) for name, shape in shapes.items()}
        self.standardise = nn.ModuleDict(scalers)
        self.shapes = shapes
        parts = {name: AUXILIARY.validate_python(part) for name, part in (auxiliary or {}).items()}
        self.assemble(MODEL.validate_python(model), shapes, parts)

    def assemble(self, config: Model, shapes: Shapes, auxiliary: Mapping[str, Auxiliary]) -> None:
        """Build the parts, each for the shapes that the parts before it give."""
        blocks = {str(name): branch for name, branch in config.branches.items()}
        branches = {name: Branch(blocks.get(name, []), shape) for name, shape in shapes.items()}
        self.branches = nn.ModuleDict(branches)
        shapes = {name: branch.shape for name, branch in branches.items()}
        means = {name: shape.width for name, shape in shapes.items()}
        self.interaction = config.interaction.build(shapes) if config.interaction else None
        if self.interaction is not None:
            shapes = self.interaction.shapes
        self.pools = Pools(config.pool, shapes) if isinstance(config, FusesVectors) else None
        shapes = shapes if self.pools is None else self.pools.shapes
        self.fusion = config.build(shapes)
        self.heads = nn.ModuleDict({"classes": config.head().build(self.fusion.width, len(self.classes))})
        widths = Widths(self.fusion.width, means, {name: shape.width for name, shape in shapes.items()})
        for name, part in auxiliary.items():
            self.heads[name] = part.head(widths)
        if config.initial == "xavier":
            for built in (self.branches, self.interaction, self.pools, self.fusion, self.heads):
                if built is not None:
                    built.apply(xavier)

    @classmethod
    def of(cls, recipe: Recipe, classes: list[str], missed: Sequence[str] = ()) -> EmotionModel:
        """The untrained model of a recipe, with the pretrained weights of its encoders.

        Args:
            recipe: what to train.
            classes: by name, in the order of the head.
            missed: the modalities that its training will teach it to do without.

        Raises:
            RecipeError: an encoder cannot be loaded, or does not have what the recipe asks for, or the parts
                of the model do not fit together.
        """
        parts = recipe.encoders()
        known = {name: pinned(part) for name, part in parts.items()}
        config: dict[str, Any] = {
            "classes": classes,
            "modalities": list(recipe.modalities),
            "features": recipe.features.model_copy(update=known).model_dump(mode="json"),
            "model": recipe.model.model_dump(mode="json"),
            "context": recipe.context.model_dump(mode="json") if recipe.context else None,
            "encoders": {name: load_config(part) for name, part in parts.items()},
            "missed": list(missed),
            "auxiliary": {name: part.model_dump(mode="json") for name, part in recipe.auxiliaries().items()},
        }
        try:
            made = cls(**config)
        except ValueError as error:
            raise RecipeError(f"model: {error}") from error
        for name, encoder in made.encoders.items():
            load_weights(encoder.network, parts[name])
        return made

    @property
    def encoders(self) -> dict[str, PretrainedEncoder]:
        """modality -> its pretrained encoder, of those that have one: `audio_encoder`, `text_encoder`."""
        parts = {name: getattr(self, f"{name}_encoder", None) for name in self.modalities}
        return {name: part for name, part in parts.items() if isinstance(part, PretrainedEncoder)}

    def save_trained(self, folder: Path, temperature: float) -> None:
        """Save the model with what its training showed.

        Args:
            folder: to write.
            temperature: that calibrates its probabilities: softmax(logits / T).
        """
        self.temperature = temperature
        config = cast(dict[str, Any], self._hub_mixin_config)
        self.save_pretrained(folder, config=config | {"temperature": temperature})

    def _save_pretrained(self, save_directory: Path) -> None:
        """Save the weights from the CPU: on a GPU an LSTM's lie in one block, which safetensors refuses."""
        super(EmotionModel, deepcopy(self).cpu())._save_pretrained(save_directory)

    def forward(self, batch: Batch) -> ModelOutput:
        """Predict a batch.

        Args:
            batch: for each modality `has_<name>` bool `[B]`, and `<name>_vec` float32 `[B, width]`; for a
                modality with an encoder instead `<name>_values` (samples or tokens, `[B, T]`) or, of a frozen
                encoder, `<name>_states` `[B, frames, layers, width]`, and `<name>_lengths` `[B]`; with tokens
                also `<name>_starts` `[B]`, where the targets begin; for frames `<name>_states`
                `[B, frames, width]` and `<name>_lengths`. For auxiliary losses also `progress`, of the stage.
        """
        streams = {name: branch(self._stream(name, batch)) for name, branch in self.branches.items()}
        embeddings = {name: stream.mean() for name, stream in streams.items()}
        attentions: dict[str, Tensor] = {}
        lengths = {name: stream.lengths for name, stream in streams.items()}
        if self.interaction is not None:
            streams, attentions = self.interaction(streams)
        if self.pools is not None:
            streams = self.pools(streams)
        fused = self.fusion(streams)
        logits = self.heads["classes"](fused.vector)
        heads = self._read(fused.vector, embeddings, streams, batch) if self.training else {}
        embeddings |= {"fusion": fused.vector}
        return ModelOutput(logits, embeddings, attentions, fused.gates, heads, lengths)

    def _read(
        self, fused: Tensor, branches: dict[str, Tensor], streams: Mapping[str, Stream], batch: Batch
    ) -> dict[str, Tensor]:
        """What the heads of the auxiliary losses make of a batch."""
        heads = {name: head for name, head in self.heads.items() if name != "classes"}
        if not heads:
            return {}
        read = Read(
            fused=fused,
            branches=branches,
            pooled={name: stream.mean() for name, stream in streams.items()},
            there={name: stream.there for name, stream in streams.items()},
            progress=float(batch["progress"]) if "progress" in batch else 0.0,
        )
        return {name: head(read) for name, head in heads.items()}

    def _stream(self, name: str, batch: Batch) -> Stream:
        raw = self.raw_stream(name, batch)
        return raw.with_states(self.standardise[name](raw.states))

    def raw_stream(self, name: str, batch: Batch) -> Stream:
        """A modality's stream before it is standardised; `batch` as in `forward`."""
        there = batch[f"has_{name}"]
        if f"{name}_vec" in batch:
            return Stream.of_vectors(batch[f"{name}_vec"], there)
        lengths = batch[f"{name}_lengths"]
        encoder = self.encoders.get(name)
        if encoder is None:
            return Stream(batch[f"{name}_states"], lengths, there)
        if f"{name}_states" in batch:
            read = encoder.read(batch[f"{name}_states"], lengths)
        else:
            read, lengths = encoder(batch[f"{name}_values"], lengths, batch.get(f"{name}_starts"))
        return Stream(read, lengths, there) if encoder.shape.sequence else Stream.of_vectors(read, there)


def open_model(folder: Path) -> EmotionModel:
    """A saved model, from its folder.

    Raises:
        RunError: there is none, or it is damaged.
    """
    try:
        if (folder / "config.json").stat().st_size > MOST_BYTES:
            raise RunError(
                f"{folder / 'config.json'} is larger than {MOST_BYTES:,} bytes: it is not a model's"
            )
        with redirect_stdout(StringIO()):  # the Hub's client prints that it loads
            return EmotionModel.from_pretrained(folder)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise RunError(f"cannot open the model in {folder}: train it again with --fresh") from error

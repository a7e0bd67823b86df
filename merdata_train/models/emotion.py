"""The model that is trained, saved and opened again: standardisation, fusion, head, names of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, cast

from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from torch import Tensor, nn

from merdata_train.data.context import text_width
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.encoders.pretrained import load_config, load_weights, pinned
from merdata_train.errors import RunError
from merdata_train.features import audio
from merdata_train.models.blocks import Standardise
from merdata_train.models.gated import GatedFusion
from merdata_train.models.token_transformer import ModalityTokens
from merdata_train.recipe.data import Context
from merdata_train.recipe.features import AudioEncoder, Features, Hashing, TextEncoder
from merdata_train.recipe.model import MODEL, Gated
from merdata_train.recipe.recipe import Recipe

Batch = Mapping[str, Tensor]
MOST_BYTES = 1 << 20  # of a configuration


@dataclass(frozen=True)
class ModelOutput:
    """Logits `[B, classes]` and named embeddings (`fusion`: `[B, width]`)."""

    logits: Tensor
    embeddings: dict[str, Tensor]


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
    ) -> None:
        super().__init__()
        if not 0 < temperature < float("inf"):
            raise ValueError(f"a temperature of {temperature} divides nothing")
        self.temperature, self.missed = temperature, list(missed or [])
        self.classes = list(classes)
        self.modalities = list(modalities)
        self.features = Features.model_validate(features)
        self.context = None if context is None else Context.model_validate(context)
        config = MODEL.validate_python(model)
        widths: dict[str, int] = {}
        for name in modalities:
            part = self.features.audio if name == "audio" else self.features.text
            if isinstance(part, AudioEncoder | TextEncoder):
                encoder = PretrainedEncoder(part, (encoders or {})[name])
                self.add_module(f"{name}_encoder", encoder)
                widths[name] = encoder.width
            elif isinstance(part, Hashing):
                widths[name] = text_width(part, self.context)
            else:
                widths[name] = audio.width(part)
        sparse = {"text"} if isinstance(self.features.text, Hashing) else set()
        scalers = {name: Standardise(width, sparse=name in sparse) for name, width in widths.items()}
        self.standardise = nn.ModuleDict(scalers)
        self.fusion: nn.Module
        if isinstance(config, Gated):
            self.fusion = GatedFusion(widths, len(classes), config)
        else:
            self.fusion = ModalityTokens(widths, len(classes), config)

    @classmethod
    def of(cls, recipe: Recipe, classes: list[str], missed: Sequence[str] = ()) -> EmotionModel:
        """The untrained model of a recipe, with the pretrained weights of its encoders.

        Args:
            recipe: what to train.
            classes: by name, in the order of the head.
            missed: the modalities that its training will teach it to do without.

        Raises:
            RecipeError: an encoder cannot be loaded, or does not have what the recipe asks for.
        """
        parts = recipe.encoders()
        known = {name: pinned(part) for name, part in parts.items()}
        made = cls(
            classes=classes,
            modalities=list(recipe.modalities),
            features=recipe.features.model_copy(update=known).model_dump(mode="json"),
            model=recipe.model.model_dump(mode="json"),
            context=recipe.context.model_dump(mode="json") if recipe.context else None,
            encoders={name: load_config(part) for name, part in parts.items()},
            missed=list(missed),
        )
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

    def forward(self, batch: Batch) -> ModelOutput:
        """Predict a batch.

        Args:
            batch: for each modality `has_<name>` bool `[B]`, and `<name>_vec` float32 `[B, width]`; for a
                modality with an encoder instead `<name>_values` (samples or tokens, `[B, T]`) or, of a frozen
                encoder, `<name>_states` `[B, frames, layers, width]`, and `<name>_lengths` `[B]`; with tokens
                also `<name>_starts` `[B]`, where the targets begin.
        """
        vectors = {name: self._vector(name, batch) for name in self.modalities}
        there = {name: batch[f"has_{name}"] for name in self.modalities}
        logits, fused = self.fusion(vectors, there)
        return ModelOutput(logits, {"fusion": fused})

    def _vector(self, name: str, batch: Batch) -> Tensor:
        standardised: Tensor = self.standardise[name](self.raw_vector(name, batch))
        return standardised

    def raw_vector(self, name: str, batch: Batch) -> Tensor:
        """A modality's vectors `[B, width]` before they are standardised; `batch` as in `forward`."""
        if f"{name}_vec" in batch:
            return batch[f"{name}_vec"]
        encoder = self.encoders[name]
        lengths = batch[f"{name}_lengths"]
        if f"{name}_states" in batch:
            return encoder.read(batch[f"{name}_states"], lengths)
        encoded: Tensor = encoder(batch[f"{name}_values"], lengths, batch.get(f"{name}_starts"))
        return encoded


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

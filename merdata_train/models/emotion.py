"""The model that is trained, saved and opened again: standardisation, fusion, head, names of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from merdata_train.context import text_width
from merdata_train.features import audio
from merdata_train.models.blocks import Standardise
from merdata_train.models.gated import GatedFusion
from merdata_train.models.tokens import ModalityTokens
from merdata_train.recipe import MODEL, Context, Features, Gated, Recipe

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class ModelOutput:
    """Logits `[B, classes]` and named embeddings (`fusion`: `[B, width]`)."""

    logits: Tensor
    embeddings: dict[str, Tensor]


class EmotionModel(nn.Module, PyTorchModelHubMixin, library_name="merdata"):
    """Modality vectors to emotion logits.

    `save_pretrained` writes safetensors and a JSON config that holds everything needed to predict: the
    classes by name, the modalities and their features. `from_pretrained` opens it, from a folder or the Hub.
    """

    def __init__(
        self,
        classes: list[str],
        modalities: list[str],
        features: dict[str, Any],
        model: dict[str, Any],
        context: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.classes = list(classes)
        self.modalities = list(modalities)
        self.features = Features.model_validate(features)
        self.context = None if context is None else Context.model_validate(context)
        config = MODEL.validate_python(model)
        all_widths = {
            "audio": audio.width(self.features.audio),
            "text": text_width(self.features.text, self.context),
        }
        widths = {name: all_widths[name] for name in modalities}
        if "audio" in widths:
            self.standardise = Standardise(widths["audio"])
        self.fusion: nn.Module
        if isinstance(config, Gated):
            self.fusion = GatedFusion(widths, len(classes), config)
        else:
            self.fusion = ModalityTokens(widths, len(classes), config)

    @classmethod
    def of(cls, recipe: Recipe, classes: list[str]) -> EmotionModel:
        """The untrained model of a recipe."""
        features, model = recipe.features.model_dump(mode="json"), recipe.model.model_dump(mode="json")
        context = recipe.context.model_dump(mode="json") if recipe.context else None
        modalities: list[str] = list(recipe.modalities)
        return cls(classes=classes, modalities=modalities, features=features, model=model, context=context)

    def forward(self, batch: Batch) -> ModelOutput:
        """Predict a batch.

        Args:
            batch: for each modality `<name>_vec` float32 `[B, width]` and `has_<name>` bool `[B]`.
        """
        vectors = {name: batch[f"{name}_vec"] for name in self.modalities}
        if "audio" in vectors:
            vectors["audio"] = self.standardise(vectors["audio"])
        there = {name: batch[f"has_{name}"] for name in self.modalities}
        logits, fused = self.fusion(vectors, there)
        return ModelOutput(logits, {"fusion": fused})

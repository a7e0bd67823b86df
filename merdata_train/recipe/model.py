"""The model of a recipe: how the modalities are fused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from merdata_train.recipe.part import Count, Part, Share

Norm = Literal["none", "layer"]
Projection = Literal["swiglu", "linear", "mlp"]
FeedForward = Literal["swiglu", "gelu"]


class Gated(Part):
    """Gated fusion of two vectors.

    `norm` and `project` bring each modality to one width, `mix` is what follows the gate. The described
    system has norm: layer, project: linear and mix: swiglu (recipe A0-described).
    """

    kind: Literal["gated"]
    width: Count = 128
    hidden: Count = 256
    dropout: Share = 0.1
    norm: Norm = "none"
    project: Projection = "linear"
    mix: FeedForward = "gelu"


class TokenTransformer(Part):
    """A Transformer over one token per modality and a learned CLS token.

    `norm` and `project` make a modality's token, `ffn` is the feed-forward of a block. The described system
    has norm: none, project: swiglu and ffn: swiglu (recipe A1-described).
    """

    kind: Literal["tokens"]
    width: Count = 256
    layers: Count = 4
    heads: Count = 8
    ffn_mult: Count = 4
    ffn: FeedForward = "gelu"
    dropout: Share = 0.1
    modality_embedding: bool = True
    norm: Norm = "none"
    project: Projection = "linear"

    @model_validator(mode="after")
    def _check(self) -> TokenTransformer:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


ModelPart = Annotated[Gated | TokenTransformer, Field(discriminator="kind")]
MODEL: TypeAdapter[Gated | TokenTransformer] = TypeAdapter(ModelPart)
MODEL_TAGS: dict[str, type[Part]] = {"gated": Gated, "tokens": TokenTransformer}

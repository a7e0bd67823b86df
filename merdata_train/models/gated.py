"""Gated fusion of two modality vectors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from merdata_train.models.blocks import feed_forward, projection
from merdata_train.recipe.model import Gated


class GatedFusion(nn.Module):
    """`h = g * audio + (1 - g) * text`, then a feed-forward layer.

    The gate is 1 or 0 where a modality is missing. With one modality in the recipe there is no gate.
    """

    def __init__(self, widths: Mapping[str, int], classes: int, config: Gated) -> None:
        super().__init__()
        self.project = nn.ModuleDict(
            {
                name: projection(config.norm, config.project, width, config.width, config.dropout)
                for name, width in widths.items()
            }
        )
        if len(widths) == 2:
            self.gate = nn.Linear(2 * config.width, config.width)
        self.mix = feed_forward(config.mix, config.width, config.hidden, config.width, config.dropout)
        self.head = nn.Linear(config.width, classes)

    def forward(self, vectors: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits `[B, classes]` and the fused vector `[B, width]`.

        Args:
            vectors: modality -> `[B, its width]`.
            there: modality -> bool `[B]`, whether the row has it.
        """
        # What a missing modality holds must not reach a row that has no other to open its gate to.
        projected = {
            name: project(vectors[name]).masked_fill(~there[name][:, None], 0.0)
            for name, project in self.project.items()
        }
        if len(projected) == 1:
            (fused,) = projected.values()
        else:
            audio, text = projected["audio"], projected["text"]
            gate = torch.sigmoid(self.gate(torch.cat([audio, text], dim=-1)))
            gate = gate.masked_fill(~there["text"][:, None], 1.0)
            gate = gate.masked_fill(~there["audio"][:, None], 0.0)
            fused = gate * audio + (1 - gate) * text
        fused = self.mix(fused)
        return self.head(fused), fused

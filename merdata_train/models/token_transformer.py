"""The modality-token Transformer: [CLS, audio, text]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from merdata_train.models.blocks import TransformerBlock, projection
from merdata_train.recipe.model import TokenTransformer


class ModalityTokens(nn.Module):
    """One token per modality behind a learned CLS token; a missing modality is masked.

    There is no positional encoding, because the order of the tokens means nothing. The modality embedding is
    our addition; it is redundant while each modality has a projection of its own.
    """

    def __init__(self, widths: Mapping[str, int], classes: int, config: TokenTransformer) -> None:
        super().__init__()
        self.project = nn.ModuleDict(
            {
                name: projection(config.norm, config.project, width, config.width, config.dropout)
                for name, width in widths.items()
            }
        )
        self.cls = nn.Parameter(torch.empty(config.width).normal_(std=0.02))
        kinds = len(widths) if config.modality_embedding else 0
        self.modality = nn.Parameter(torch.empty(kinds, config.width).normal_(std=0.02)) if kinds else None
        self.blocks = nn.ModuleList(
            TransformerBlock(config.width, config.heads, config.ffn_mult, config.ffn, config.dropout)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Sequential(
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, classes),
        )

    def forward(self, vectors: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits `[B, classes]` and the CLS vector `[B, width]`; arguments as in GatedFusion."""
        tokens = torch.stack([project(vectors[name]) for name, project in self.project.items()], dim=1)
        if self.modality is not None:
            tokens = tokens + self.modality
        sequence = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], dim=1)
        missing = torch.stack([~there[name] for name in self.project], dim=1)
        missing = nn.functional.pad(missing, (1, 0), value=False)
        for block in self.blocks:
            sequence = block(sequence, missing)
        fused = self.norm(sequence[:, 0])
        return self.head(fused), fused

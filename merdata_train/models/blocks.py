"""What several architectures share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from merdata_train.recipe.model import FeedForward, Norm, Projection


class SwiGLU(nn.Module):
    """`W3(silu(W1 x) * W2 x)` (Shazeer 2020, arXiv:2002.05202), with dropout before W3."""

    def __init__(self, width: int, hidden: int, out: int, dropout: float) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden)
        self.value = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., width]` to `[..., out]`."""
        mixed: Tensor = self.out(self.dropout(nn.functional.silu(self.gate(x)) * self.value(x)))
        return mixed


def feed_forward(kind: FeedForward, width: int, hidden: int, out: int, dropout: float) -> nn.Module:
    """SwiGLU, or a perceptron with one hidden layer and GELU: `[..., width]` to `[..., out]`."""
    if kind == "swiglu":
        return SwiGLU(width, hidden, out, dropout)
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, out))


def projection(norm: Norm, kind: Projection, width: int, out: int, dropout: float) -> nn.Module:
    """A modality's vector `[B, width]` to `[B, out]`; swiglu and mlp have `out` hidden units."""
    first = nn.LayerNorm(width) if norm == "layer" else nn.Identity()
    if kind == "linear":
        return nn.Sequential(first, nn.Linear(width, out))
    return nn.Sequential(
        first, feed_forward("swiglu" if kind == "swiglu" else "gelu", width, out, out, dropout)
    )


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and feed-forward, each with a residual connection."""

    def __init__(self, width: int, heads: int, ffn_mult: int, ffn: FeedForward, dropout: float) -> None:
        super().__init__()
        hidden = ffn_mult * width
        self.before_attention = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.before_ffn = nn.LayerNorm(width)
        self.ffn = feed_forward(ffn, width, hidden, width, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, missing: Tensor) -> Tensor:
        """`[B, L, width]`; `missing [B, L]` is True where a token is to be ignored."""
        normed = self.before_attention(x)
        attended, _ = self.attention(normed, normed, normed, key_padding_mask=missing, need_weights=False)
        x = x + self.dropout(attended)
        fed: Tensor = x + self.dropout(self.ffn(self.before_ffn(x)))
        return fed


class Standardise(nn.Module):
    """`(x - mean) / scale` per feature; fitted once on train rows, saved with the weights.

    Sparse vectors (hashed words) are divided by one number, the root mean square of their values: a rare
    word's own deviation is tiny, and dividing by it would drown the others.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, *, sparse: bool = False) -> None:
        super().__init__()
        self.sparse = sparse
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def fit(self, rows: Tensor) -> None:
        """Fit on `rows [n, width]`: mean and deviation (ddof 0); what never varies keeps scale 1."""
        if not len(rows):
            return
        rows = rows.double()
        if self.sparse:
            scale = rows.square().mean().sqrt().expand(rows.shape[1])
        else:
            scale = rows.std(dim=0, correction=0)
            self.mean.copy_(rows.mean(dim=0))
        self.scale.copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale

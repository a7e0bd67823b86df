"""Layers that several parts are made of."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["none", "layer"]
Projection = Literal["swiglu", "linear", "mlp"]
FeedForward = Literal["swiglu", "gelu"]
Activation = Literal["gelu", "relu", "none"]


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


def dense(width: int, out: int, norm: Norm, activation: Activation, dropout: float) -> list[nn.Module]:
    """Linear, LayerNorm, activation, dropout: `[..., width]` to `[..., out]`."""
    normed: list[nn.Module] = [nn.LayerNorm(out)] if norm == "layer" else []
    return [nn.Linear(width, out), *normed, *activated(activation), nn.Dropout(dropout)]


def activated(activation: Activation) -> list[nn.Module]:
    """An activation, as the modules that it is."""
    known: dict[str, list[nn.Module]] = {"gelu": [nn.GELU()], "relu": [nn.ReLU()], "none": []}
    return known[activation]


def batch_normed(norm: nn.BatchNorm1d, rows: Tensor) -> Tensor:
    """Batch norm of `[n, width]`; of fewer than two rows, which have no spread, by what was seen before."""
    if norm.training and len(rows) < 2:
        return nn.functional.batch_norm(rows, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    normed: Tensor = norm(rows)
    return normed


def no_multiple(width: int, heads: int) -> str:
    """What is wrong with a width that attention heads cannot share."""
    return f"width {width} is not a multiple of heads {heads}"


class TransformerBlock(nn.Module):
    """Self-attention and feed-forward, each with a residual connection; normed before each, or after.

    Without `ffn_mult` there is no feed-forward.
    """

    def __init__(
        self, width: int, heads: int, ffn_mult: int, ffn: FeedForward, dropout: float, *, post: bool = False
    ) -> None:
        super().__init__()
        hidden = ffn_mult * width
        self.post = post
        self.norm_attention = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.norm_ffn = nn.LayerNorm(width) if ffn_mult else None
        self.ffn = feed_forward(ffn, width, hidden, width, dropout) if ffn_mult else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, missing: Tensor) -> Tensor:
        """`[B, L, width]`; `missing [B, L]` is True where a token is to be ignored."""
        normed = x if self.post else self.norm_attention(x)
        attended, _ = self.attention(normed, normed, normed, key_padding_mask=missing, need_weights=False)
        x = x + self.dropout(attended)
        if self.post:
            x = self.norm_attention(x)
        if self.ffn is None or self.norm_ffn is None:
            return x
        x = x + self.dropout(self.ffn(x if self.post else self.norm_ffn(x)))
        fed: Tensor = self.norm_ffn(x) if self.post else x
        return fed


def scores_to_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension of `scores [..., T]` where `mask [..., T]` is True."""
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)

"""Two modalities that attend to each other, by what they say or also by how they feel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from merdata_train.parts.layers import no_multiple, scores_to_weights
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Interaction, InteractionModule
from merdata_train.parts.stream import Shapes, Stream


class CrossAttention(Interaction):
    """Layers of multi-head attention in which each modality's queries read the other's keys and values.

    Both directions have weights of their own and start from the inputs of the layer. Residual connections,
    normed after; `ffn_mult: 0` leaves out the feed-forward. A row without the other modality reads nothing.

    `guide: vad` adds `strength * M` to the scores: `M[i, j] = -||v_i - v_j||`, how far query and key lie
    apart in a learned space of valence, arousal and dominance. `learn_strength: false` keeps `strength`.
    """

    kind: Literal["cross_attention"]
    heads: Count = 4
    layers: Count = 1
    guide: Literal["none", "vad"] = "none"
    strength: float = 0.1
    learn_strength: bool = True
    ffn_mult: Annotated[int, Field(ge=0)] = 0
    dropout: Share = 0.0

    def build(self, shapes: Shapes) -> InteractionModule:
        return _BothWays(shapes, self)


class _BothWays(InteractionModule):
    def __init__(self, shapes: Shapes, config: CrossAttention) -> None:
        super().__init__()
        widths = {name: shape.width for name, shape in shapes.items()}
        if len(widths) != 2:
            raise ValueError("cross_attention needs two modalities: set model.interaction=null")
        if len(set(widths.values())) != 1:
            told = " and ".join(f"{name} {width}" for name, width in widths.items())
            raise ValueError(f"cross_attention needs branches of one width, not {told}")
        self.shapes = shapes
        width = next(iter(widths.values()))
        if width % config.heads:
            raise ValueError(f"cross_attention: {no_multiple(width, config.heads)}")
        self.layers = nn.ModuleList(
            nn.ModuleDict({name: _Reading(width, config) for name in shapes}) for _ in range(config.layers)
        )

    def forward(self, streams: Mapping[str, Stream]) -> tuple[dict[str, Stream], dict[str, Tensor]]:
        now, attentions = dict(streams), {}
        for number, layer in enumerate(self.layers):
            before = now
            now = {}
            for name, reading in layer.items():  # type: ignore[operator]
                (other,) = before.keys() - {name}
                now[name], attentions[f"{number}.{name}"] = reading(before[name], before[other])
        return now, attentions


class _Reading(nn.Module):
    """One direction of a layer: the queries of one stream, the keys and values of the other."""

    def __init__(self, width: int, config: CrossAttention) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.guide = _Guide(width, config) if config.guide == "vad" else None
        self.ffn = _Fed(width, config) if config.ffn_mult else None

    def forward(self, own: Stream, other: Stream) -> tuple[Stream, Tensor]:
        query, key, value = (
            self._split(part(stream.states))
            for part, stream in ((self.query, own), (self.key, other), (self.value, other))
        )
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if self.guide is not None:
            scores = scores + self.guide(own.states, other.states)[:, None]
        weights = scores_to_weights(scores, other.mask[:, None, None])
        read = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        read = self.dropout(self.out(read)).masked_fill(~other.there[:, None, None], 0.0)
        states = self.norm(own.states + read)
        return own.with_states(states if self.ffn is None else self.ffn(states)), weights

    def _split(self, states: Tensor) -> Tensor:
        """`[B, T, width]` to `[B, heads, T, width / heads]`."""
        batch, positions, width = states.shape
        return states.view(batch, positions, self.heads, width // self.heads).transpose(1, 2)


class _Guide(nn.Module):
    """`strength * M`: how far query and key lie apart in valence, arousal, dominance; one for all heads."""

    strength: Tensor

    def __init__(self, width: int, config: CrossAttention) -> None:
        super().__init__()
        # One projection for queries and keys: their distance is 0 where they feel alike.
        self.vad = nn.Sequential(nn.Linear(width, width // 2), nn.GELU(), nn.Linear(width // 2, 3), nn.Tanh())
        strength = torch.tensor(config.strength)
        if config.learn_strength:
            self.strength = nn.Parameter(strength)
        else:
            self.register_buffer("strength", strength)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """`[B, T, width]` and `[B, S, width]` to `[B, T, S]`."""
        apart = self.vad(queries).float()[:, :, None] - self.vad(keys).float()[:, None]
        # A square root has no gradient at 0; a norm has one.
        affinity: Tensor = -torch.linalg.vector_norm(apart, dim=-1)
        return self.strength * affinity


class _Fed(nn.Module):
    """A feed-forward with a residual connection, normed after."""

    def __init__(self, width: int, config: CrossAttention) -> None:
        super().__init__()
        hidden = config.ffn_mult * width
        self.layers = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, width),
            nn.Dropout(config.dropout),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        normed: Tensor = self.norm(states + self.layers(states))
        return normed

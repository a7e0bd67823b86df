"""Global attention over both modalities' states, after MER-HAN (Zhang et al., BSPC 85, 2023, 105052)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from merdata_train.parts.layers import scores_to_weights
from merdata_train.parts.model import Model
from merdata_train.parts.schemas import Fused, FusionModule
from merdata_train.parts.stream import Shapes, Stream, Streams

Form = Literal["add_pooled", "add_time", "concat_time", "repo_concat"]


class GlobalAttention(Model):
    """`z = sum_i alpha_i x_i`, `alpha = softmax(u . tanh(W x_i + b))`; W and u are shared by the modalities.

    `form` says what x is: each modality's states, and the two results added (add_pooled); the sums of both
    modalities' states at each position, the shorter one 0 behind its end (add_time); the states of both in a
    row (concat_time). `repo_concat` is the form of a public re-implementation: at each position both states
    side by side, scores x . u, and z multiplied by the mean of x. Without `attention` z is the mean.
    """

    kind: Literal["global_attention"]
    form: Form = "add_pooled"
    attention: bool = True

    def build(self, shapes: Shapes) -> FusionModule:
        return _InTime(shapes, self)


class _InTime(FusionModule):
    def __init__(self, shapes: Shapes, config: GlobalAttention) -> None:
        super().__init__()
        widths = {shape.width for shape in shapes.values()}
        if len(widths) != 1:
            raise ValueError("global_attention needs branches of one width")
        self.form = config.form
        self.width = widths.pop() * (len(shapes) if config.form == "repo_concat" else 1)
        several = any(shape.sequence for shape in shapes.values()) or config.form == "concat_time"
        project = config.form != "repo_concat"
        self.attend = _Attend(self.width, project=project) if config.attention and several else None

    def forward(self, streams: Streams) -> Fused:
        if self.form == "add_pooled":
            pooled = [self._read(stream) for stream in streams.values()]
            known = [
                vector.masked_fill(~stream.there[:, None], 0.0)
                for vector, stream in zip(pooled, streams.values(), strict=True)
            ]
            return Fused(torch.stack(known).sum(dim=0))
        states, mask = _JOINED[self.form](_aligned(streams))
        read = self._weighed(states, mask)
        return Fused(read * _mean(states, mask) if self.form == "repo_concat" else read)

    def _read(self, stream: Stream) -> Tensor:
        return self._weighed(stream.states, stream.mask)

    def _weighed(self, states: Tensor, mask: Tensor) -> Tensor:
        """`[B, T, width]` where `mask [B, T]` is True to `[B, width]`."""
        if self.attend is None:
            return _mean(states, mask)
        weights: Tensor = self.attend(states, mask)
        return (weights[..., None] * states).sum(dim=1)


class _Attend(nn.Module):
    """Weights `[B, T]` of states `[B, T, width]`."""

    def __init__(self, width: int, *, project: bool) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(width, width), nn.Tanh()) if project else nn.Identity()
        # At N(0, 1) nearly all weight lies on one state from the start.
        self.query = nn.Parameter(torch.empty(width).normal_(std=width**-0.5))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return scores_to_weights(self.project(states) @ self.query, mask)


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    return states.masked_fill(~mask[..., None], 0.0).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def _aligned(streams: Streams) -> list[tuple[Tensor, Tensor]]:
    """States and masks of each modality, padded to the longer; a row that lacks one has no state of it."""
    longest = max(stream.states.shape[1] for stream in streams.values())
    aligned = []
    for stream in streams.values():
        mask = stream.mask & stream.there[:, None]
        more = longest - stream.states.shape[1]
        states = stream.states.masked_fill(~mask[..., None], 0.0)
        aligned.append((nn.functional.pad(states, (0, 0, 0, more)), nn.functional.pad(mask, (0, more))))
    return aligned


def _added(aligned: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    states, masks = (torch.stack(parts) for parts in zip(*aligned, strict=True))
    return states.sum(dim=0), _one_at_least(masks.any(dim=0))


def _in_a_row(aligned: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    states, masks = (torch.cat(parts, dim=1) for parts in zip(*aligned, strict=True))
    return states, _one_at_least(masks)


def _side_by_side(aligned: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    states, masks = zip(*aligned, strict=True)
    return torch.cat(states, dim=-1), _one_at_least(torch.stack(masks).any(dim=0))


def _one_at_least(mask: Tensor) -> Tensor:
    """The mask, with the first position of rows that have none: a softmax over nothing is not a number."""
    first = torch.zeros_like(mask)
    first[:, 0] = ~mask.any(dim=1)
    return mask | first


_JOINED = {"add_time": _added, "concat_time": _in_a_row, "repo_concat": _side_by_side}

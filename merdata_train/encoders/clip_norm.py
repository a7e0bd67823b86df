"""Group norm over each clip's own frames.

The front ends of WavLM-base, HuBERT-base and wav2vec2-base (`feat_extract_norm="group"`) normalise each
channel over all frames of the batch's longest clip, padding included, so what they say of a clip depends on
what it is batched with; transformers' advice for them is to pad with zeros and give no attention mask. Taken
over a clip's own frames the norm is what it is for the clip alone, and a mask is right again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from merdata_train.parts.stream import present


class ClipNorm(nn.GroupNorm):
    """As the GroupNorm it replaces, weights and all; `frames` `[B]` is set before each use."""

    frames: Tensor | None = None

    @classmethod
    def like(cls, norm: nn.GroupNorm) -> ClipNorm:
        made = cls(norm.num_groups, norm.num_channels, norm.eps, norm.affine)
        made.load_state_dict(norm.state_dict())
        return made

    def forward(self, x: Tensor) -> Tensor:
        """`[B, channels, T]`; what lies behind a clip's frames comes out as zeros."""
        if self.frames is None:
            return super().forward(x)
        batch, channels, longest = x.shape
        there = present(self.frames, longest)[:, None]
        grouped = x.float().masked_fill(~there, 0.0).view(batch, self.num_groups, -1)
        count = (self.frames * (channels // self.num_groups))[:, None].clamp(min=1)
        mean = grouped.sum(dim=-1) / count
        # E[x^2] - E[x]^2 holds no third copy of the largest activation there is.
        variance = (torch.linalg.vector_norm(grouped, dim=-1).square() / count - mean.square()).clamp(min=0)
        scale = (variance + self.eps).rsqrt()
        per_group = channels // self.num_groups
        gain = self.weight * scale.repeat_interleave(per_group, dim=1)
        shift = self.bias - mean.repeat_interleave(per_group, dim=1) * gain
        normed = torch.addcmul(shift[..., None], grouped.view_as(x), gain[..., None])
        return normed.masked_fill(~there, 0.0).to(x.dtype)

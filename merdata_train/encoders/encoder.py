"""An encoder as a part of the model: a pretrained network, the layers read of it, and their pooling."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from merdata_train.encoders import whisper
from merdata_train.encoders.clip_norm import ClipNorm
from merdata_train.encoders.pretrained import model_of
from merdata_train.encoders.read import Mixture, chosen, numbers, span
from merdata_train.errors import RecipeError
from merdata_train.parts.pool import Pool
from merdata_train.parts.stream import Shape, present
from merdata_train.recipe.features import AudioEncoder, TextEncoder


class PretrainedEncoder(nn.Module):
    """Rows of different lengths to vectors. `network` is the pretrained one; the rest is ours, and small.

    Every row comes out as if it were alone: masks keep padding out of attention, norms and pooling.
    A frozen network runs in evaluation mode and without gradients.

    Args:
        config: of the recipe.
        network_config: of the network, as `pretrained.load_config` gives it.

    Raises:
        RecipeError: the network does not have the layers or the length that the recipe asks for.
    """

    def __init__(self, config: AudioEncoder | TextEncoder, network_config: dict[str, Any]) -> None:
        super().__init__()
        self.config = config
        self.network: Any = model_of(network_config)
        if isinstance(config, AudioEncoder):
            self.norms = [_clip_norm(self.network, name) for name in _group_norms(self.network)]
        facts = self.network.config
        layers, width = facts.num_hidden_layers, facts.hidden_size
        _check(config, layers, facts)
        self.mixture = Mixture(layers + 1) if config.layers == "learned" else None
        self.pool = None if config.pool == "none" else Pool(config.pool, width)
        self.shape = Shape(width if self.pool is None else self.pool.width, sequence=self.pool is None)

    def forward(self, values: Tensor, lengths: Tensor, starts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What `read` makes of samples or tokens `[B, T]`, and the frames of each row `[B]`.

        Args:
            values: padded.
            lengths: of the rows, `[B]`.
            starts: where the targets begin, `[B]`.
        """
        states, lengths = self.states(values, lengths, starts)
        return self.read(states, lengths), lengths

    def states(self, values: Tensor, lengths: Tensor, starts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The hidden states that are read, `[B, frames, layers, width]`, and the frames of each row `[B]`."""
        moves = any(parameter.requires_grad for parameter in self.network.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and moves):
            all_layers = self.config.layers != "last"
            mask, lengths, longest = self._positions(values, lengths)
            output = self.network(values, attention_mask=mask, output_hidden_states=all_layers)
            states = tuple(output.hidden_states) if all_layers else (output.last_hidden_state,)
            read = chosen(tuple(state[:, :longest] for state in states), self.config.layers)
            if self.config.pool == "target" and starts is not None:
                return span(read, starts, lengths - 1)  # without the token that ends the row
            return read, lengths

    def _positions(self, values: Tensor, lengths: Tensor) -> tuple[Tensor | None, Tensor, int | None]:
        """The network's mask, how many states each row has, and the most of them; None for all there are."""
        if self.network.config.model_type == whisper.MODEL_TYPE:
            frames = whisper.frames_of(lengths)
            return None, frames, int(frames.max())
        mask = present(lengths, values.shape[1]).long()
        if isinstance(self.config, AudioEncoder):
            for norm in self.norms:
                norm.frames = _first_frames(lengths, self.network.config)
            lengths = self.network._get_feat_extract_output_lengths(lengths)
        return mask, lengths, None

    def read(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Vectors `[B, width]` of states, with `pool: none` `[B, frames, width]`: what is learned on top."""
        mixed: Tensor = states.squeeze(2) if self.mixture is None else self.mixture(states)
        if self.pool is None:
            return mixed
        pooled: Tensor = self.pool(mixed, lengths)
        return pooled

    def save_memory(self, wanted: bool) -> None:
        """Turn on or off that activations are computed twice, so that fewer are held."""
        if wanted:
            self.network.activation_checkpointing_enable({"use_reentrant": False})
        elif self.network.is_activation_checkpointing:
            self.network.activation_checkpointing_disable()

    @property
    def learns_to_read(self) -> bool:
        """Whether a frozen network's states must be kept, not vectors: reading has weights, or keeps all."""
        return self.mixture is not None or self.config.pool in ("attention", "none")


def _check(config: AudioEncoder | TextEncoder, layers: int, facts: Any) -> None:
    highest = max(numbers(config.layers)) if isinstance(config.layers, tuple) else config.layers
    if isinstance(highest, int) and highest > layers:
        raise RecipeError(f"layers: {config.model} has {layers} layers and therefore no layer {highest}")
    positions = getattr(facts, "max_source_positions", None)
    if isinstance(config, AudioEncoder) and positions is not None:
        window = positions / whisper.FRAMES_A_SECOND
        if config.seconds > window:
            raise RecipeError(f"seconds: {config.model} hears {window:g} s of a clip, not {config.seconds:g}")
    # RoBERTa's positions begin behind that of its padding token.
    longest = getattr(facts, "max_position_embeddings", None)
    if isinstance(config, TextEncoder) and longest is not None:
        room = longest - (facts.pad_token_id + 1 if "roberta" in facts.model_type else 0)
        if config.max_tokens > room:
            raise RecipeError(
                f"max_tokens: {config.model} has room for {room} tokens, not {config.max_tokens}"
            )


def _group_norms(network: nn.Module) -> list[str]:
    front = getattr(network, "feature_extractor", nn.Module())
    return [
        f"feature_extractor.{name}" for name, norm in front.named_modules() if isinstance(norm, nn.GroupNorm)
    ]


def _clip_norm(network: nn.Module, name: str) -> ClipNorm:
    """Replace a GroupNorm by a ClipNorm."""
    parent, _, last = name.rpartition(".")
    norm = network.get_submodule(name)
    if not isinstance(norm, nn.GroupNorm):
        raise TypeError(f"{name} is not a GroupNorm")
    made = ClipNorm.like(norm)
    setattr(network.get_submodule(parent), last, made)
    return made


def _first_frames(lengths: Tensor, facts: Any) -> Tensor:
    """The frames of each clip behind the first convolution, the only one that a group norm follows."""
    return 1 + (lengths - int(facts.conv_kernel[0])).div(int(facts.conv_stride[0]), rounding_mode="floor")


def shortest(network_config: dict[str, Any]) -> int:
    """The fewest samples that give a front end one frame."""
    if network_config["model_type"] == whisper.MODEL_TYPE:
        return 1
    samples = 1
    for kernel, stride in zip(
        reversed(network_config["conv_kernel"]), reversed(network_config["conv_stride"]), strict=True
    ):
        samples = (samples - 1) * stride + kernel
    return samples

"""Whisper as an audio encoder: its encoder alone, on a window of fixed length.

Whisper (Radford et al., arXiv:2212.04356) hears a log-mel spectrogram of 30 s, whatever the length of the
clip: silence fills the rest, and no mask leaves it out. Of the frames that come out, 20 ms each, those of the
clip itself are read. So a clip does not depend on its batch, and costs as much as 30 s.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import Tensor

from merdata_train.errors import RecipeError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

MODEL_TYPE = "whisper"
SAMPLES_PER_FRAME = 320  # a hop of 160 samples, halved by the second convolution
MEL_FRAMES_PER_FRAME = 2
FRAMES_A_SECOND = 50
# The encoder's weights in a file of the whole model, under their own names; the decoder's are not read.
OUT_OF_WHOLE = {r"^(model\.)?encoder\.": ""}


def encoder_of(config: PretrainedConfig) -> PreTrainedModel:
    """Whisper's encoder, with random weights, without the decoder.

    Its positions are sinusoids that Whisper's own training leaves as they are: they are no parameters here.
    """
    module = import_module("transformers.models.whisper.modeling_whisper")
    encoder: PreTrainedModel = module.WhisperEncoder._from_config(config)
    positions = encoder.get_submodule("embed_positions")
    sinusoids = positions.weight
    if not isinstance(sinusoids, Tensor):
        raise TypeError("embed_positions does not have weights")
    del positions.weight
    positions.register_buffer("weight", sinusoids.detach())
    return encoder


def frames_of(samples: Tensor) -> Tensor:
    """The frames of clips of so many samples: the last may be of the clip in part."""
    return (samples + SAMPLES_PER_FRAME - 1).div(SAMPLES_PER_FRAME, rounding_mode="floor")


def check_front_end(extractor: Any, network_config: dict[str, Any], place: str) -> None:
    """Refuse a feature extractor that makes another spectrogram than the network takes.

    Raises:
        RecipeError: they differ in bands or in length.
    """
    made = (extractor.feature_size, extractor.nb_max_frames)
    taken = (
        network_config["num_mel_bins"],
        network_config["max_source_positions"] * MEL_FRAMES_PER_FRAME,
    )
    if made != taken:
        raise RecipeError(
            f"{place}: its feature extractor makes {made[0]} x {made[1]:,} values of a clip, and its encoder "
            f"takes {taken[0]} x {taken[1]:,}: take the preprocessor_config.json that belongs to its weights"
        )

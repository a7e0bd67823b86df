"""Pretrained models, extractors and tokenizers of transformers: from the Hub at a commit, or from a folder.

No code from the Hub runs (`trust_remote_code` stays off). Weights are safetensors where the model has them;
where it has only a PyTorch archive, as WavLM, torch reads it with `weights_only`, which builds tensors alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from huggingface_hub import HfApi, try_to_load_from_cache
from safetensors import SafetensorError

from merdata import HubError, plugin
from merdata_train.encoders import whisper
from merdata_train.errors import RecipeError
from merdata_train.features.torchaudio import import_torchaudio
from merdata_train.recipe.features import AudioEncoder, Encoder

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

EncoderT = TypeVar("EncoderT", bound=Encoder)
WEIGHTS = ("config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
# Systems are trained without SpecAugment and layer drop; a dropped layer would also get no gradient.
# An adapter, which some models have behind their layers, would leave fewer frames than the layers have.
CALM = {"apply_spec_augment": False, "layerdrop": 0.0, "encoder_layerdrop": 0.0, "add_adapter": False}
RATE = 16_000


def import_transformers() -> Any:
    """transformers; it imports torchaudio, which may fail unless `import_torchaudio` came before."""
    import_torchaudio()
    return import_module("transformers")


def identity(encoder: Encoder) -> str:
    """What identifies an encoder's weights: its commit, or a hash of the folder's files."""
    if encoder.revision is not None:
        return f"{encoder.model}@{encoder.revision}"
    digest = hashlib.sha256()
    for path in sorted(path for path in _folder_of(encoder).iterdir() if path.name in WEIGHTS):
        digest.update(plugin.file_sha256(path).encode())
    return digest.hexdigest()


def _folder_of(encoder: Encoder) -> Path:
    if not Path(encoder.model).is_dir():
        raise RecipeError(f"the encoder's folder {encoder.model} does not exist")
    return Path(encoder.model)


def pinned(encoder: EncoderT) -> EncoderT:
    """An encoder without paths: a folder becomes its name and 40 digits of its hash."""
    if encoder.revision is not None:
        return encoder
    name = _folder_of(encoder).resolve().name
    return encoder.model_copy(update={"model": name, "revision": identity(encoder)[:40]})


def load_config(encoder: Encoder) -> dict[str, Any]:
    """The configuration of an encoder, as `model_of` takes it, without its path.

    Raises:
        RecipeError: it cannot be loaded, or is not an encoder that the trainer can read.
    """
    if encoder.revision is None:
        _folder_of(encoder)
    with _reading(encoder):
        auto = import_transformers().AutoConfig
        config = auto.from_pretrained(encoder.model, revision=encoder.revision or "main")
    unfit = _unfit_for_audio(config) if isinstance(encoder, AudioEncoder) else _unfit_for_text(config)
    if unfit:
        modality = "audio" if isinstance(encoder, AudioEncoder) else "text"
        raise RecipeError(f"{encoder.model} cannot be the {modality} encoder: {config.model_type} {unfit}")
    return {name: value for name, value in config.to_dict().items() if name != "_name_or_path"}


def _unfit_for_audio(config: PretrainedConfig) -> str | None:
    """Why a model cannot be read as an audio encoder; None if it can."""
    if config.model_type == whisper.MODEL_TYPE:  # its encoder alone is taken
        return None
    if config.is_encoder_decoder:
        return "is an encoder and a decoder; take a model that is an encoder alone"
    if not _takes_samples(config):
        return "does not take samples; take Whisper, WavLM, HuBERT or wav2vec 2.0"
    if hasattr(config, "conv_pos_kernel_size"):  # Data2VecAudio: five convolutions, which padding leaks into
        return "mixes padding into its positions, so a clip would depend on its batch; take WavLM or HuBERT"
    return None


def _unfit_for_text(config: PretrainedConfig) -> str | None:
    """Why a model cannot be read as a text encoder; None if it can."""
    if config.is_encoder_decoder:
        return "is an encoder and a decoder; take a model that is an encoder alone"
    if _takes_samples(config) or not hasattr(config, "vocab_size"):
        return "does not take tokens; take RoBERTa, BERT or XLM-R"
    if config.pad_token_id is None:
        return "has no padding token, for it reads from left to right; take RoBERTa, BERT or XLM-R"
    return None


def _takes_samples(config: PretrainedConfig) -> bool:
    return hasattr(config, "conv_kernel") and hasattr(config, "conv_stride")


def model_of(config: dict[str, Any]) -> PreTrainedModel:
    """A model of a configuration, with random weights and without what only its pretraining used."""
    transformers = import_transformers()
    made: PretrainedConfig = transformers.AutoConfig.for_model(**config)
    for name, value in CALM.items():
        if hasattr(made, name):
            setattr(made, name, value)
    made.dtype = "float32"
    # WavLM hands torch its two masks in two types, at every layer of every step.
    warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
    if made.model_type == whisper.MODEL_TYPE:
        return whisper.encoder_of(made)
    model: PreTrainedModel = transformers.AutoModel.from_config(made)
    for unused in ("pooler", "masked_spec_embed"):
        if getattr(model, unused, None) is not None:
            setattr(model, unused, None)
    return model


def load_weights(model: PreTrainedModel, encoder: Encoder) -> None:
    """Give a model the pretrained weights.

    Raises:
        RecipeError: they cannot be loaded, or are of another model.
    """
    with _reading(encoder):
        auto: Any = import_transformers().AutoModel
        how: dict[str, Any] = {"trust_remote_code": False}
        if model.config.model_type == whisper.MODEL_TYPE:
            auto, how = type(model), {"key_mapping": whisper.OUT_OF_WHOLE}
        opened, told = auto.from_pretrained(
            encoder.model,
            revision=encoder.revision or "main",
            dtype="float32",
            output_loading_info=True,
            **how,
        )
    saved, wanted = opened.state_dict(), model.state_dict().keys()
    # What a file lacks has random weights now; transformers says so only in its log.
    missing = sorted(wanted - (saved.keys() - told["missing_keys"]))
    if missing:
        raise RecipeError(f"{encoder.model} lacks weights of its own architecture: {', '.join(missing[:3])}")
    model.load_state_dict({name: saved[name] for name in wanted})


def load_tokenizer(place: str | Path, revision: str | None = None) -> Any:
    """The tokenizer of a text encoder.

    Raises:
        RecipeError: it cannot be loaded.
    """
    with _reading_from(str(place), revision):
        return import_transformers().AutoTokenizer.from_pretrained(str(place), revision=revision or "main")


def load_extractor(place: str | Path, revision: str | None = None) -> Any:
    """The feature extractor of an audio encoder: some were trained on samples of unit variance.

    Raises:
        RecipeError: it cannot be loaded, or is for another sample rate.
    """
    with _reading_from(str(place), revision):
        auto = import_transformers().AutoFeatureExtractor
        extractor = auto.from_pretrained(str(place), revision=revision or "main")
    if extractor.sampling_rate != RATE:
        raise RecipeError(
            f"{place} takes samples at {extractor.sampling_rate:,} Hz, and a store has them at {RATE:,} Hz: "
            "take an encoder of that rate"
        )
    return extractor


@contextmanager
def _reading(encoder: Encoder) -> Iterator[None]:
    with _reading_from(encoder.model, encoder.revision):
        yield


@contextmanager
def _reading_from(place: str, revision: str | None) -> Iterator[None]:
    """One sentence for whatever transformers finds wrong; its reports on unused weights are silenced."""
    logging = import_transformers().utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if revision is not None and not Path(place).is_dir():
                _ask_once(place, revision)
            yield
    except (HubError, OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        where = f"{place} at {revision[:8]}" if revision else place
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        instead = "; or name a folder of it, with revision=null" if isinstance(error, HubError) else ""
        raise RecipeError(f"cannot load the encoder {where}: {first}{instead}") from error
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()


def _ask_once(model: str, revision: str) -> None:
    """Ask the Hub for a model that is not in the cache: transformers goes on asking for half a minute.

    Raises:
        HubError: the Hub does not have it, or cannot be reached.
    """
    with plugin.hub_errors(model):
        if not isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str):
            HfApi().model_info(model, revision=revision)

"""A trained model on your own recordings: the feature code of training, one utterance at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from merdata.plugin import has_ink
from merdata_train.data.context import text_vectors
from merdata_train.data.sequences import Clips, Frames, TokenRows
from merdata_train.encoders.encoder import shortest
from merdata_train.encoders.pretrained import load_extractor, load_tokenizer
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.errors import InputError, RunError
from merdata_train.features.audio import features_of, one_thread, shape
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.features import AudioEncoder, Stored, TextEncoder
from merdata_train.runs.folder import refuse_links
from merdata_train.serving.recordings import Ears, Floats, read_recording

COPIES = 8  # a batch of one uses another kernel, whose sums differ in the sixth digit


@dataclass(frozen=True)
class Prediction:
    """The prediction of one utterance.

    Attributes:
        label: the most probable class, by name.
        probabilities: class -> calibrated probability, in the order of the model's classes: at the
            temperature that its validation rows gave.
        raw: class -> probability as the model was trained to give it.
        notes: what a reader should know about the prediction.
    """

    label: str
    probabilities: dict[str, float]
    raw: dict[str, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One utterance of several: its prediction, or the reason why there is none."""

    file: str | None
    text: str | None
    prediction: Prediction | None = None
    fault: str | None = None

    @property
    def complaints(self) -> list[str]:
        """Sentences for stderr."""
        notes = self.prediction.notes if self.prediction else ()
        return [self.fault] if self.fault else [f"{self.file or self.text!r}: {note}" for note in notes]

    def facts(self) -> dict[str, Any]:
        """Ready for JSON."""
        shared = {"file": self.file, "text": self.text}
        if self.prediction is None:
            return shared | {"error": self.fault}
        return shared | {
            "label": self.prediction.label,
            "probabilities": self.prediction.probabilities,
            "raw_probabilities": self.prediction.raw,
            "notes": list(self.prediction.notes),
        }


class Predictor:
    """A trained model that takes recordings and texts.

    Attributes:
        model: the model, ready to predict.
        classes: names in the order of its head.
        modalities: what it was trained on: audio, text or both.
    """

    def __init__(self, model: EmotionModel, folder: Path | None = None) -> None:
        self.model = model.eval()
        self._folder = folder
        self.classes = tuple(model.classes)
        self.modalities = tuple(model.modalities)

    @classmethod
    def open(cls, place: str | Path) -> Predictor:
        """The model of a run.

        Args:
            place: the run's folder, its `model` folder, or `OWNER/NAME` on the Hub; no code of it is run.

        Raises:
            HubError: there is no such folder, and the Hub has no such model or cannot be reached.
            RunError: there is no model, or it is damaged.
        """
        from merdata_train.models.emotion import open_model

        folder = _model_folder(place)
        return cls(open_model(folder), folder)

    def __call__(
        self,
        audio: str | Path | Floats | None = None,
        text: str | None = None,
        history: Sequence[str] = (),
    ) -> Prediction:
        """Predict one utterance; either modality may be missing.

        Args:
            audio: a file in any format that merdata decodes, or samples: float `[n]` at 16 kHz in [-1, 1].
            text: its transcript; an empty one counts as missing.
            history: what was said before it, oldest first; for models that were trained with context. Where
                the recipe has a speaker prefix, history and text need it too: `speaker=Joey How are you?`.

        Raises:
            InputError: the recording cannot be used, there is nothing that the model can use, or it was
                trained without context.
        """
        text, text_notes = _said(text)
        self._refuse(audio=audio is not None, text=text is not None)
        if history and self.model.context is None:
            raise InputError("the model was trained without context: it cannot use a history")
        samples, notes = (None, ()) if audio is None else read_recording(audio)
        batch: dict[str, Tensor] = {}
        if "audio" in self.modalities:
            batch |= self._audio(samples)
        if "text" in self.modalities:
            batch |= self._text(text, history)
        count = 1 if self.model.encoders else COPIES
        copies = {name: tensor.expand(count, *tensor.shape[1:]) for name, tensor in batch.items()}
        with torch.inference_mode():
            logits = self.model(copies).logits[0].double()
        calibrated, raw = (
            dict(zip(self.classes, (logits / temperature).softmax(dim=-1).tolist(), strict=True))
            for temperature in (self.model.temperature, 1.0)
        )
        notes = (*text_notes, *notes, *self._unpractised(audio=audio is not None, text=text is not None))
        return Prediction(max(raw, key=raw.__getitem__), calibrated, raw, notes)

    def _refuse(self, **given: bool) -> None:
        """Refuse what the model was not trained on, and nothing at all."""
        knows = " and ".join(self.modalities)
        for name, there in given.items():
            if there and name not in self.modalities:
                raise InputError(f"the model was trained on {knows} only: it cannot use {name}")
        stored = self.model.features.audio
        if given["audio"] and isinstance(stored, Stored):
            made = f" by {stored.model}" if stored.model else " by another program"
            instead = (
                "give --text alone" if "text" in self.modalities else "use a model that hears recordings"
            )
            raise InputError(
                f"the model reads the features {stored.name!r}, made{made} and kept in a layer of a store: "
                f"it cannot hear a recording; {instead}"
            )
        if not any(given.values()):
            raise InputError(f"there is nothing to predict from: give {' or '.join(self.modalities)}")

    def _unpractised(self, **given: bool) -> tuple[str, ...]:
        """A note for each modality that is missing here and was not in training."""
        absent = [name for name in self.modalities if not given[name] and name not in self.model.missed]
        return tuple(
            f"it was predicted without {name}, and the model never learned to do without: expect more errors"
            for name in absent
        )

    def _audio(self, samples: Floats | None) -> dict[str, Tensor]:
        config, there = self.model.features.audio, {"has_audio": torch.tensor([samples is not None])}
        if isinstance(config, AudioEncoder):
            given = np.zeros(0, np.float32) if samples is None else samples
            whole = np.rint(given * 32_768).clip(-32_768, 32_767).astype(np.int16)  # as a store has them
            fewest = shortest(self.model.encoders["audio"].network.config.to_dict())
            clip = Clips([whole], ["given"], config.seconds, fewest, self._extractor)
            return clip.batch("audio", [0]) | there
        form = shape(config)
        if samples is None:
            features = np.zeros((1, form.width) if form.sequence else form.width, np.float32)
        else:
            with one_thread():
                features = features_of(samples, config)
        if form.sequence:
            return Frames([torch.from_numpy(features)]).batch("audio", [0]) | there
        return {"audio_vec": torch.from_numpy(features)[None]} | there

    def _text(self, text: str | None, history: Sequence[str]) -> dict[str, Tensor]:
        config, context = self.model.features.text, self.model.context
        there = {"has_text": torch.tensor([text is not None])}
        window = list(history)[-context.previous :] if context and context.previous else []
        before = [turn for turn in window if has_ink(turn)]  # as in training, an empty turn says nothing
        if isinstance(config, TextEncoder):
            tokens, starts = tokenise([text], [before], self._tokenizer, config.max_tokens)
            return TokenRows(tokens, self._tokenizer.pad_token_id, starts).batch("text", [0]) | there
        return {"text_vec": torch.from_numpy(text_vectors([text], [before], config, context))} | there

    @cached_property
    def _extractor(self) -> Any:
        return load_extractor(self._beside("extractor"))

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._beside("tokenizer"))

    def _beside(self, name: str) -> Path:
        if self._folder is None or not (self._folder / name).is_dir():
            raise RunError(
                f"the model does not have its {name}: open it from the folder of its run, or train it again"
            )
        return self._folder / name


def predict_all(
    predictor: Predictor,
    files: Sequence[Path],
    texts: Sequence[str],
    history: Sequence[str] = (),
    ears: Ears | None = None,
) -> list[Item]:
    """Every file with its text; without files, every text. An unusable file does not stop the others.

    Args:
        predictor: the model.
        files: recordings.
        texts: what is said in them, or none.
        history: what was said before one utterance.
        ears: hears what is said in files without a text.

    Raises:
        InputError: there are no inputs, not as many texts as files, or a history of several utterances.
    """
    if files and texts and len(files) != len(texts):
        raise InputError(f"files: {len(files)}, texts: {len(texts)}; give one --text for each file, or none")
    if not files and not texts:
        raise InputError("there is nothing to predict from: name a file, or give --text")
    if history and max(len(files), len(texts)) > 1:
        raise InputError("a history belongs to one utterance: predict one at a time")
    if ears and (texts or "text" not in predictor.modalities):
        why = "texts are given" if texts else "the model reads no text"
        raise InputError(f"{why}: leave --transcribe out")
    pairs = itertools.zip_longest(files, texts)
    return [_item(predictor, file, text, history, ears) for file, text in pairs]


def _item(
    predictor: Predictor, file: Path | None, text: str | None, history: Sequence[str], ears: Ears | None
) -> Item:
    name = None if file is None else str(file)
    try:
        if ears and file is not None:
            text = ears(file) or None
        return Item(name, text, predictor(audio=file, text=text, history=history))
    except InputError as error:
        return Item(name, text, fault=str(error))


def _model_folder(place: str | Path) -> Path:
    folder = Path(place).expanduser()
    for candidate in (folder / "model", folder):
        if (candidate / "config.json").is_file():
            refuse_links(candidate.parent, [candidate.name])
            return candidate
    is_name = str(place).count("/") == 1 and not folder.exists()
    if is_name and not any(folder.parent.glob("*/recipe.yaml")):  # a name in a folder of runs is mistyped
        from merdata_train.serving.push import download

        return download(str(place))
    raise RunError(
        f"{place} does not hold a trained model: give the folder of a run, as in runs/source0-A1-0123abcd"
    )


def _said(text: str | None) -> tuple[str | None, tuple[str, ...]]:
    """A transcript, or None if there is nothing in it, and notes."""
    if text is None or has_ink(text):
        return text, ()
    return None, ("its text is empty and counts as missing",)

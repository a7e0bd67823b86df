"""Whisper in CTranslate2's form, run by faster-whisper, on one thread or on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from merdata.asr.recogniser import Heard, Model, Recogniser, Request, cannot_load, whole_words

SMALLEST = 1e-12  # a token's probability, where its logarithm is taken
MOST_TOKENS = 224  # of one window, as in Whisper's own decoding


class FasterWhisper(Recogniser):
    """A model of faster-whisper: int8 on a CPU, half precision on a GPU."""

    def __init__(self, model: Model, device: str) -> None:
        from faster_whisper import WhisperModel

        try:
            self._model: Any = WhisperModel(
                str(model.folder),
                device=device,
                compute_type="int8" if device == "cpu" else "float16",
                cpu_threads=1,
                local_files_only=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise cannot_load(model, error) from error
        whole_words(self._model.hf_tokenizer)
        self.languages = self._model.supported_languages
        self.batch = 1 if device == "cpu" else 16

    def hear(self, requests: Sequence[Request], beams: int) -> list[Heard]:
        """What is said in each window; see `Recogniser`."""
        return [self._hear(request, beams) for request in requests]

    def _hear(self, request: Request, beams: int) -> Heard:
        from faster_whisper.audio import pad_or_trim

        encoded = self._model.encode(pad_or_trim(self._model.feature_extractor(request.samples)))
        language = self._language(encoded, request.language)
        tokens = self._tokenizer(language)
        (found,) = self._model.model.generate(
            encoded,
            [[*tokens.sot_sequence, tokens.no_timestamps]],
            beam_size=beams,
            max_length=MOST_TOKENS,
            return_scores=True,
        )
        ids = found.sequences_ids[0]
        text = tokens.decode(ids).strip()
        likelihoods = self._likelihoods(encoded, tokens, request.texts(text))
        return Heard(text, language, found.scores[0], len(ids), likelihoods)

    def _language(self, encoded: Any, asked: str | None) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        if asked in self.languages:
            return str(asked)
        (ranked,) = self._model.model.detect_language(encoded)
        return str(ranked[0][0])[2:-2]  # of <|en|>

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        return Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)

    def _likelihoods(self, encoded: Any, tokens: Any, texts: Sequence[str]) -> dict[str, float]:
        """Log-probability of each text, given the window."""
        from ctranslate2 import StorageView

        if not texts:
            return {}
        states = np.repeat(np.array(encoded), len(texts), axis=0)
        ids = [tokens.encode(f" {text.strip()}") for text in texts]
        frames = [2 * states.shape[1]] * len(texts)
        aligned = self._model.model.align(
            StorageView.from_array(states), list(tokens.sot_sequence), ids, frames
        )
        sums = (float(np.log(np.maximum(each.text_token_probs, SMALLEST)).sum()) for each in aligned)
        return dict(zip(texts, sums, strict=True))

"""Whisper of transformers: windows in batches, on a GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from merdata.asr.recogniser import RATE, Heard, Model, Recogniser, Request, cannot_load, whole_words
from merdata.asr.torchaudio import import_torchaudio

MOST_TOKENS = 224
BATCH = {"cpu": 4}
GPU_BATCH = 32
DTYPE, GPU_DTYPE = {"cpu": "float32"}, "float16"


class TransformersWhisper(Recogniser):
    """A WhisperForConditionalGeneration with its processor."""

    def __init__(self, model: Model, device: str) -> None:
        self._torch, self._device = import_module("torch"), device
        import_torchaudio()  # before transformers imports it
        library: Any = import_module("transformers")
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
        try:
            self._extract, self._tokenizer, loaded = (
                kind.from_pretrained(model.folder, local_files_only=True, **options)
                for kind, options in (
                    (library.WhisperFeatureExtractor, {}),
                    (library.AutoTokenizer, {}),
                    (library.WhisperForConditionalGeneration, {"dtype": DTYPE.get(device, GPU_DTYPE)}),
                )
            )
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise cannot_load(model, error) from error
        whole_words(getattr(self._tokenizer, "backend_tokenizer", None))
        self._search_of = library.GenerationMixin.generate
        self._states_of = library.modeling_outputs.BaseModelOutput
        self._model: Any = loaded.to(device).eval()
        generation = self._model.generation_config
        self._languages: dict[str, int] = {
            token[2:-2]: id for token, id in (getattr(generation, "lang_to_id", None) or {}).items()
        }
        self.languages = list(self._languages) or ["en"]
        room = self._model.config.max_target_positions - 4  # for the tokens before the text
        self._most = min(MOST_TOKENS, room)
        self.batch = BATCH.get(device, GPU_BATCH)

    def hear(self, requests: Sequence[Request], beams: int) -> list[Heard]:
        """What is said in each window; see `Recogniser`."""
        with self._one_thread():
            return self._hear(requests, beams)

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        """On a CPU one thread: the same sums however many processes share the cores."""
        threads = self._torch.get_num_threads()
        try:
            if self._device == "cpu":
                self._torch.set_num_threads(1)
            yield
        finally:
            self._torch.set_num_threads(threads)

    def _hear(self, requests: Sequence[Request], beams: int) -> list[Heard]:
        torch = self._torch
        features = self._extract(
            [request.samples for request in requests], sampling_rate=RATE, return_tensors="pt"
        ).input_features.to(self._device, self._model.dtype)
        with torch.inference_mode():
            states = self._model.get_encoder()(features)
            languages = self._heard_languages(states, [request.language for request in requests])
            prompts = [self._prompt(language) for language in languages]
            texts, scores, counts = self._search(states, prompts, beams)
            asked = enumerate(zip(requests, texts, prompts, strict=True))
            likelihoods = [
                self._likelihoods(states[0][row : row + 1], prompt, request.texts(text))
                for row, (request, text, prompt) in asked
            ]
        told = [language or "en" for language in languages]
        return [Heard(*each) for each in zip(texts, told, scores, counts, likelihoods, strict=True)]

    def _heard_languages(self, states: Any, asked: Sequence[str | None]) -> list[str | None]:
        """The language of each window; None where the model has only one."""
        if not self._languages:
            return [None] * len(asked)
        if all(language in self._languages for language in asked):
            return list(asked)
        names = list(self._languages)
        begin = self._torch.full((len(asked), 1), self._model.config.decoder_start_token_id)
        first = self._model(encoder_outputs=states, decoder_input_ids=begin.to(self._device)).logits[:, -1]
        best = first[:, list(self._languages.values())].argmax(dim=-1).tolist()
        return [
            language if language in self._languages else names[number]
            for language, number in zip(asked, best, strict=True)
        ]

    def _prompt(self, language: str | None) -> list[int]:
        generation = self._model.generation_config
        prompt = [self._model.config.decoder_start_token_id]
        if language is not None:
            prompt += [self._languages[language], generation.task_to_id["transcribe"]]
        return [*prompt, generation.no_timestamps_token_id]

    def _search(
        self, states: Any, prompts: Sequence[list[int]], beams: int
    ) -> tuple[list[str], list[float], list[int]]:
        """Texts, mean log-probabilities of their tokens, and counts of these."""
        begin = self._torch.tensor(prompts).to(self._device)
        config = self._model.generation_config
        # The plain search: Whisper's own way adds windows and timestamps around it.
        found = self._search_of(
            self._model,
            encoder_outputs=states,
            decoder_input_ids=begin,
            num_beams=beams,
            do_sample=False,
            max_new_tokens=self._most,
            suppress_tokens=config.suppress_tokens,
            begin_suppress_tokens=config.begin_suppress_tokens,
            return_dict_in_generate=True,
            output_scores=True,
        )
        chosen = self._model.compute_transition_scores(
            found.sequences, found.scores, getattr(found, "beam_indices", None), normalize_logits=beams == 1
        )
        written = found.sequences[:, begin.shape[1] :]
        is_token = (written != self._model.config.pad_token_id) & (written != self._model.config.eos_token_id)
        counts = is_token.sum(dim=1).tolist()
        sums = chosen.masked_fill(~is_token[:, : chosen.shape[1]], 0.0).sum(dim=1).tolist()
        texts = [text.strip() for text in self._tokenizer.batch_decode(written, skip_special_tokens=True)]
        means = [total / max(count, 1) for total, count in zip(sums, counts, strict=True)]
        return texts, means, counts

    def _likelihoods(self, state: Any, prompt: list[int], texts: Sequence[str]) -> dict[str, float]:
        """Log-probability of each text, given the window; all texts at once."""
        if not texts:
            return {}
        torch = self._torch
        ids = [self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False) for text in texts]
        ids = [each[: self._most] for each in ids]
        longest = max(map(len, ids))
        pad = self._model.config.pad_token_id
        rows = torch.tensor([[*prompt, *each, *[pad] * (longest - len(each))] for each in ids])
        states = self._states_of(last_hidden_state=state.expand(len(texts), -1, -1))
        logits = self._model(encoder_outputs=states, decoder_input_ids=rows.to(self._device)).logits
        told = logits.float().log_softmax(dim=-1).cpu().numpy()
        start = len(prompt)
        sums = (
            float(sum(told[row, start - 1 + place, id] for place, id in enumerate(each)))
            for row, each in enumerate(ids)
        )
        return dict(zip(texts, sums, strict=True))

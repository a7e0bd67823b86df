"""Recordings and transcripts of rows, and what becomes of examples whose rows are heard or read otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from merdata_train.data.context import text_vectors
from merdata_train.data.examples import Examples
from merdata_train.data.sequences import Clips, TokenRows
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.features.audio import features_of, one_thread, shape
from merdata_train.features.distort import Floats, words_of
from merdata_train.features.hashing import SPEAKER
from merdata_train.recipe.features import AudioEncoder, TextEncoder
from merdata_train.recipe.recipe import Recipe

Ints = npt.NDArray[np.int16]
Read = tuple[str | None, list[str]]  # the target, None without one, and what was said before it


@dataclass(frozen=True)
class Inputs:
    """What examples are made of.

    Attributes:
        recipe: its features and context.
        samples: id -> int16 `[n]` at 16 kHz.
        texts: id -> the target and what was said before it.
        tokenizer: of the text encoder; None without one.
    """

    recipe: Recipe
    samples: Mapping[str, Tensor]
    texts: Mapping[str, Read]
    tokenizer: Any

    def recording(self, id: str) -> Floats:
        """The samples of a row, float32 `[n]` in [-1, 1)."""
        return np.asarray(self.samples[id], np.float32) / np.float32(32_768)

    def words(self, ids: Iterable[str]) -> list[str]:
        """The words of some rows, each once, without the names of speakers."""
        spoken = (word for id in ids for word in words_of(self.texts[id][0] or ""))
        return sorted({word for word in spoken if not SPEAKER.match(word)})

    def heard(
        self, examples: Examples, change: Callable[[str], Floats | None], name: str | None = None
    ) -> Examples:
        """Examples whose recordings are heard as `change` gives them by id; None leaves one as it is.

        Args:
            examples: with the recordings as they are.
            change: is asked for rows that have a recording.
            name: of the change, where the outputs of a frozen encoder must be told apart by it.
        """
        ids, there = examples.rows["id"].tolist(), examples.tensors["has_audio"].tolist()

        def heard(row: int) -> Floats | None:
            return change(ids[row]) if there[row] else None

        features = self.recipe.features.audio
        if isinstance(features, AudioEncoder):
            clips = examples.sequences["audio"]
            if isinstance(clips, Clips):
                names = clips.names if name is None else [f"{id} {name}" for id in ids]
                clips = replace(clips, rows=_Heard(clips.rows, heard), names=names)
            return replace(examples, sequences=examples.sequences | {"audio": clips})
        with one_thread():
            changed = {
                row: torch.from_numpy(features_of(samples, features))
                for row in range(len(examples))
                if (samples := heard(row)) is not None
            }
        if shape(features).sequence:
            frames = examples.sequences["audio"]
            rows = [changed.get(row, own) for row, own in enumerate(frames.rows)]
            return replace(examples, sequences=examples.sequences | {"audio": replace(frames, rows=rows)})
        vectors = examples.tensors["audio_vec"].clone()
        for row, vector in changed.items():
            vectors[row] = vector
        return replace(examples, tensors=examples.tensors | {"audio_vec": vectors})

    def read(self, examples: Examples, change: Callable[[str], Read]) -> Examples:
        """Examples whose transcripts and histories are read as `change` gives them by id."""
        targets, histories = zip(*map(change, examples.rows["id"]), strict=True)
        there = torch.tensor([target is not None for target in targets])
        tensors = examples.tensors | {"has_text": there}
        features = self.recipe.features.text
        if isinstance(features, TextEncoder):
            tokens, starts = tokenise(targets, histories, self.tokenizer, features.max_tokens)
            rows = TokenRows(tokens, self.tokenizer.pad_token_id, starts)
            return replace(examples, tensors=tensors, sequences=examples.sequences | {"text": rows})
        vectors = torch.from_numpy(text_vectors(targets, histories, features, self.recipe.context))
        return replace(examples, tensors=tensors | {"text_vec": vectors})


class _Heard(Sequence[Ints]):
    """Recordings, int16 `[n]`, some of which are heard otherwise: made when they are read."""

    def __init__(self, rows: Sequence[Any], heard: Callable[[int], Floats | None]) -> None:
        self.rows, self.heard = rows, heard

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, row: int) -> Ints: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Ints]: ...
    def __getitem__(self, row: int | slice) -> Ints | Sequence[Ints]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        samples = self.heard(row)
        return np.asarray(self.rows[row]) if samples is None else as_stored(samples)


def as_stored(samples: Floats) -> Ints:
    """Samples in [-1, 1) as a store has them: int16."""
    stored: Ints = np.rint(samples * np.float32(32_768)).clip(-32_768, 32_767).astype(np.int16)
    return stored

"""The rows of one split, ready for a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from merdata_train.data.sequences import Sequences
from merdata_train.errors import ProtocolError, RecipeError

UNKNOWN = -100  # the label of a row whose label is not looked at
TRAINING_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Examples:
    """The rows of one split, ready for a model.

    Attributes:
        split: its name; training refuses any but train and validation.
        rows: id, corpus, domain, speaker, dialogue, label (class name) and more.
        classes: class names in the order of the model's head.
        tensors: `<modality>_vec` `[n, width]`, `has_<modality>` bool `[n]`, `labels` int64 `[n]`.
        sequences: modality -> the input of its encoder, in place of its `<modality>_vec`.
        augment: gives these examples as an epoch with some seed hears and reads them; None for as they are.
        unlabelled: train rows of a target, whose labels are not looked at; None without a target.
    """

    split: str
    rows: pd.DataFrame
    classes: tuple[str, ...]
    tensors: dict[str, Tensor]
    sequences: dict[str, Sequences] = field(default_factory=dict)
    augment: Callable[[Examples, int], Examples] | None = None
    unlabelled: Examples | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """A whole batch; sequences are padded to the longest of the batch."""
        chosen = torch.as_tensor(indices)
        batch = {name: tensor[chosen] for name, tensor in self.tensors.items()}
        for name, rows in self.sequences.items():
            batch |= rows.batch(name, indices)
        return batch

    @cached_property
    def costs(self) -> npt.NDArray[np.float64]:
        """What each row costs each encoder, in seconds of audio `[n, sequences]`."""
        return np.stack([rows.seconds for rows in self.sequences.values()], axis=1)

    @property
    def labels(self) -> Tensor:
        return self.tensors["labels"]

    def counts(self) -> dict[str, int]:
        """class -> rows, in the order of the classes."""
        counts = Counter(self.rows["label"])
        return {name: counts[name] for name in self.classes}

    def only(self, keep: npt.NDArray[np.bool_]) -> Examples:
        """The examples where `keep [n]` is True; themselves, where all are kept."""
        if keep.all():
            return self
        kept = torch.from_numpy(np.flatnonzero(keep))
        tensors = {name: tensor[kept] for name, tensor in self.tensors.items()}
        sequences = {name: rows.only(kept.tolist()) for name, rows in self.sequences.items()}
        rows = self.rows[keep].reset_index(drop=True)
        return replace(self, rows=rows, tensors=tensors, sequences=sequences)


def for_training(examples: Examples) -> Examples:
    """Examples that training may use: of train or validation, and with at least one modality.

    Raises:
        ProtocolError: they are of another split.
        RecipeError: none of them has any modality.
    """
    if examples.split not in TRAINING_SPLITS:
        raise ProtocolError(
            f"training was given {examples.split} rows: it takes only train and validation rows"
        )
    there = {name: tensor.numpy() for name, tensor in examples.tensors.items() if name.startswith("has_")}
    useful = np.logical_or.reduce(list(there.values()))
    if not useful.any():
        asked = " or ".join(name.removeprefix("has_") for name in there)
        raise RecipeError(
            f"none of the {len(examples)} {examples.split} rows has {asked}: there is only silence in "
            "place of audio, or no transcript; choose other data.corpora or modalities"
        )
    return examples.only(useful)

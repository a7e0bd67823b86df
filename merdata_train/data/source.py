"""From a store, a protocol and a recipe to examples in memory; test rows come only when asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

import merdata
from merdata import plugin
from merdata_train.data.context import history_texts, target_text, text_vectors
from merdata_train.data.sequences import Clips, Sequences, TokenRows
from merdata_train.encoders.encoder import shortest
from merdata_train.encoders.pretrained import load_config, load_extractor, load_tokenizer
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.errors import ProtocolError, RecipeError
from merdata_train.features.cache import audio_features, audio_samples
from merdata_train.recipe.features import AudioEncoder, TextEncoder
from merdata_train.recipe.recipe import Recipe

COLUMNS = (
    "id",
    "corpus",
    "speaker",
    "gender",
    "dialogue",
    "language",
    "text",
    "label",
    "raw_label",
    "notes",
    "seconds",
    "audio_sha256",
)
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
    """

    split: str
    rows: pd.DataFrame
    classes: tuple[str, ...]
    tensors: dict[str, Tensor]
    sequences: dict[str, Sequences] = field(default_factory=dict)

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
        return Examples(self.split, rows, self.classes, tensors, sequences)


class Source:
    """A recipe's view of a store: which rows, which classes, and the hashes that name them.

    Raises:
        RecipeError: the recipe names a corpus or label space that does not exist.
        SplitError, StoreError: the store or the protocol cannot be read.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.store = merdata.open_store(recipe.store)
        self.protocol = merdata.load_protocol(self.store, recipe.protocol)
        self.space = merdata.label_space(recipe.labels)
        self.corpora = recipe.data.corpora or sorted(self.store.corpora)
        unknown = sorted(set(self.corpora) - set(self.store.corpora))
        if unknown:
            raise RecipeError(
                f"data.corpora: {self.store.path} does not have {', '.join(unknown)}; "
                f"it has {', '.join(self.store.corpora)}"
            )

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over the shards of the recipe's corpora."""
        shards = [shard.sha256 for shard in self.store.shards(self.corpora)]
        return hashlib.sha256("\n".join(shards).encode()).hexdigest()

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Labelled rows of the recipe's corpora and languages, with their split."""
        table = self.store.rows(COLUMNS, self.corpora)
        rows = table.to_pandas()
        rows["label"] = self.store.relabel(table, self.space)
        rows["domain"] = [self.store.corpora[corpus]["domain"] for corpus in rows["corpus"]]
        rows["shard"] = rows["id"].map(self.store.shard_of)
        rows["split"] = rows["id"].map(self.protocol.splits(self.recipe.fold))
        if self.recipe.data.languages is not None:
            rows = rows[rows["language"].isin(self.recipe.data.languages)]
        labelled: pd.DataFrame = rows[rows["label"].notna()]
        return labelled

    def rows(self, split: str) -> pd.DataFrame:
        """The labelled rows of one split, in the order of the store, without features."""
        return self._rows[self._rows["split"] == split].reset_index(drop=True)

    def examples(self, split: str, jobs: int | None = None) -> Examples:
        """The examples of one split, in the order of the store.

        Raises:
            RecipeError: there are none.
        """
        rows = self.rows(split)
        if rows.empty:
            where = f"protocol {self.protocol.name}, fold {self.recipe.fold}"
            languages = self.recipe.data.languages
            within = f" in {', '.join(languages)}" if languages else ""
            raise RecipeError(f"{where} has no {split} rows of {', '.join(self.corpora)}{within}")
        index = {name: number for number, name in enumerate(self.space.classes)}
        tensors = {"labels": torch.tensor([index[name] for name in rows["label"]])}
        sequences: dict[str, Sequences] = {}
        audio, text = self.recipe.features.audio, self.recipe.features.text
        if "audio" in self.recipe.modalities:
            heard = [not plugin.is_silenced(notes) for notes in rows["notes"]]
            tensors["has_audio"] = torch.tensor(heard)
            if isinstance(audio, AudioEncoder):
                sequences["audio"] = self._clips(rows, audio, jobs)
            else:
                features = audio_features(self.store, self._shards(rows), audio, jobs)
                tensors["audio_vec"] = torch.from_numpy(np.stack([features[id] for id in rows["id"]]))
        if "text" in self.recipe.modalities:
            targets, histories = self._texts(rows)
            tensors["has_text"] = torch.tensor([target is not None for target in targets])
            if isinstance(text, TextEncoder):
                tokens, starts = tokenise(targets, histories, self.tokenizer, text.max_tokens)
                sequences["text"] = TokenRows(tokens, self.tokenizer.pad_token_id, starts)
            else:
                vectors = text_vectors(targets, histories, text, self.recipe.context)
                tensors["text_vec"] = torch.from_numpy(vectors)
        return Examples(split, rows, self.space.classes, tensors, sequences)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer of the recipe's text encoder.

        Raises:
            RecipeError: it cannot be loaded.
        """
        encoder = self.recipe.encoders()["text"]
        return load_tokenizer(encoder.model, encoder.revision)

    @cached_property
    def extractor(self) -> Any:
        """The feature extractor of the recipe's audio encoder.

        Raises:
            RecipeError: it cannot be loaded.
        """
        encoder = self.recipe.encoders()["audio"]
        return load_extractor(encoder.model, encoder.revision)

    def save_processors(self, model: Path) -> None:
        """Save `extractor` and `tokenizer`, which make the encoders' inputs, beside a saved model."""
        for modality in self.recipe.encoders():
            if modality == "audio":
                self.extractor.save_pretrained(model / "extractor")
            else:
                self.tokenizer.save_pretrained(model / "tokenizer")

    def test_ids(self) -> list[str]:
        """Ids that a complete evaluation scores: the labelled test rows."""
        ids: list[str] = self._rows.loc[self._rows["split"] == "test", "id"].tolist()
        return ids

    def _shards(self, rows: pd.DataFrame) -> list[merdata.Shard]:
        return self.store.shards(sorted(set(rows["corpus"])))

    def _clips(self, rows: pd.DataFrame, encoder: AudioEncoder, jobs: int | None) -> Clips:
        samples = audio_samples(self.store, self._shards(rows), jobs)
        return Clips(
            [samples[id] for id in rows["id"]],
            names=rows["audio_sha256"].tolist(),
            longest=encoder.seconds,
            shortest=shortest(load_config(encoder)),
            extractor=self.extractor,
        )

    def _texts(self, rows: pd.DataFrame) -> tuple[list[str | None], list[list[str]]]:
        """The targets, None where there is no transcript, and what was said before each."""
        texts: list[Any] = [text if isinstance(text, str) else None for text in rows["text"]]
        context, before = self.recipe.context, self._histories
        if context:
            spoken = zip(rows["id"], rows["speaker"], texts, strict=True)
            texts = [
                target_text(speaker, text, context) if id in before else text for id, speaker, text in spoken
            ]
        return texts, [before.get(id, []) for id in rows["id"]]

    @cached_property
    def _histories(self) -> dict[str, list[str]]:
        """id -> what was said before, for rows of dialogues, where the recipe asks for context."""
        context = self.recipe.context
        if context is None:
            return {}
        protocol, fold = self.protocol, self.recipe.fold
        turns_before = merdata.histories(
            self.store, context.previous, corpora=self.corpora, protocol=protocol, fold=fold
        )
        return {id: history_texts(turns, context) for id, turns in turns_before.items()}


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

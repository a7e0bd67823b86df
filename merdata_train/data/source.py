"""From a store, a protocol and a recipe to examples in memory; test rows come only when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

import merdata
from merdata import plugin
from merdata_train.data.augment import Augmenter
from merdata_train.data.context import history_texts, target_text, text_vectors
from merdata_train.data.examples import UNKNOWN
from merdata_train.data.examples import Examples as Examples
from merdata_train.data.examples import for_training as for_training
from merdata_train.data.inputs import Inputs, Read
from merdata_train.data.perturb import Perturber
from merdata_train.data.recognised import recognised, said_of, texts_hash
from merdata_train.data.rows import belong, corpora_of, held_out, known_rows, labelled_rows
from merdata_train.data.sequences import Clips, Frames, Sequences, TokenRows
from merdata_train.encoders import whisper
from merdata_train.encoders.encoder import shortest
from merdata_train.encoders.pretrained import load_config, load_extractor, load_tokenizer
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.errors import RecipeError
from merdata_train.features.audio import shape
from merdata_train.features.cache import audio_features, audio_samples
from merdata_train.features.layers import check_complete, layer_hash, stored_features
from merdata_train.recipe.features import AudioEncoder, AudioFeatures, Stored, TextEncoder
from merdata_train.recipe.recipe import Recipe


class Source:
    """A recipe's view of a store: which rows, which classes, and the hashes that name them.

    Args:
        recipe: what names them.
        store: the recipe's, if it is open already.

    Raises:
        RecipeError: the recipe names a corpus or label space that does not exist.
        SplitError, StoreError: the store or the protocol cannot be read.
    """

    def __init__(self, recipe: Recipe, store: merdata.Store | None = None) -> None:
        self.recipe = recipe
        self.store = merdata.open_store(store or recipe.store)
        self.protocol = merdata.load_protocol(self.store, recipe.protocol)
        self.space = merdata.label_space(recipe.labels)
        self.corpora = corpora_of(recipe.data, self.store)

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over the shards of the recipe's corpora, and over the layers of the store that it reads."""
        shards = [shard.sha256 for shard in self.store.shards(self.corpora)]
        audio = self.recipe.features.audio
        if isinstance(audio, Stored) and "audio" in self.recipe.modalities:
            shards.append(layer_hash(self.store, self.corpora, audio))
        if self.recipe.data.text:
            shards.append(texts_hash(self._heard))
        return hashlib.sha256("\n".join(shards).encode()).hexdigest()

    @property
    def texts(self) -> str | None:
        """Who wrote the texts, in a sentence, where it was not the corpora."""
        return said_of(self.store, self.recipe.data.text) if self.recipe.data.text else None

    def heard_hash(self, layer: str) -> str:
        """SHA-256 over the texts of a layer of transcripts, of the recipe's corpora."""
        return texts_hash(recognised(self.store, layer, self.corpora))

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Labelled rows with their split."""
        rows, held = self._protocol_rows, self._held_out
        rows = rows if held is None else rows.assign(split=rows["split"].mask(held[0], "validation"))
        return self._as_read(rows)

    def _as_read(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the texts that the model reads: those of a layer, where the recipe names one."""
        if not self.recipe.data.text:
            return rows
        return rows.assign(text=pd.Series(map(self._heard.get, rows["id"]), rows.index, object))

    @cached_property
    def _heard(self) -> dict[str, str | None]:
        """id -> text of the recipe's layer of transcripts, None where no words were heard; {} without one."""
        layer = self.recipe.data.text
        return recognised(self.store, layer, self.corpora) if layer else {}

    @cached_property
    def _protocol_rows(self) -> pd.DataFrame:
        return labelled_rows(self._known_rows, self.recipe.data)

    @cached_property
    def _known_rows(self) -> pd.DataFrame:
        splits = self.protocol.splits(self.recipe.fold)
        return known_rows(self.recipe, self.store, self.space, splits)

    @cached_property
    def _held_out(self) -> tuple[pd.Series[bool], str] | None:
        rows = self._protocol_rows
        if (rows["split"] == "validation").any() or not (rows["split"] == "train").any():
            return None
        chosen, rule = held_out(rows[rows["split"] == "train"], self.protocol.hash)
        return chosen.reindex(rows.index, fill_value=False), rule

    @property
    def validation_rule(self) -> str | None:
        """How validation rows were taken from train, where the protocol has none; None where it has some."""
        return None if self._held_out is None else self._held_out[1]

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
            chosen = self.recipe.data.of_split(split)
            within = f" in {', '.join(chosen.languages)}" if chosen.languages else ""
            corpora = ", ".join(chosen.corpora or self.corpora)
            raise RecipeError(f"{where} has no {split} rows of {corpora}{within}")
        if split != "train":
            return self._examples(rows, split, jobs)
        unlabelled = self._unlabelled(jobs)
        every = rows if unlabelled is None else pd.concat([rows, unlabelled.rows], ignore_index=True)
        augment = self._augmenter(every, jobs) if self.recipe.augment else None
        return replace(self._examples(rows, split, jobs), augment=augment, unlabelled=unlabelled)

    def _unlabelled(self, jobs: int | None) -> Examples | None:
        """The train rows of the target, whatever their labels."""
        chosen = self.recipe.data.unlabelled
        if chosen is None:
            return None
        rows = self._known_rows
        rows = rows[(rows["split"] == "train") & belong(rows, chosen)].reset_index(drop=True)
        if rows.empty:
            raise RecipeError(f"data.unlabelled: protocol {self.protocol.name} has no such train rows")
        return self._examples(self._as_read(rows).assign(label=None), "train", jobs)

    def _examples(self, rows: pd.DataFrame, split: str, jobs: int | None) -> Examples:
        """Some rows with their features; without a label where they have none."""
        index = {name: number for number, name in enumerate(self.space.classes)}
        tensors = {"labels": torch.tensor([index.get(name, UNKNOWN) for name in rows["label"]])}
        columns = [name for part in self.recipe.auxiliaries().values() for name in part.columns]
        if columns:
            ratings = rows[list(dict.fromkeys(columns))].to_numpy("float32", na_value=float("nan"))
            tensors["ratings"] = torch.from_numpy(ratings.copy())
        sequences: dict[str, Sequences] = {}
        audio, text = self.recipe.features.audio, self.recipe.features.text
        if "audio" in self.recipe.modalities:
            heard = [not plugin.is_silenced(notes) for notes in rows["notes"]]
            tensors["has_audio"] = torch.tensor(heard)
            if isinstance(audio, AudioEncoder):
                sequences["audio"] = self._clips(rows, audio, jobs)
            else:
                features = self._audio_features(rows, audio, jobs)
                own = [features[id] for id in rows["id"]]
                if shape(audio).sequence:
                    sequences["audio"] = Frames(own)
                else:
                    tensors["audio_vec"] = torch.stack(own)
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

    def _augmenter(self, rows: pd.DataFrame, jobs: int | None) -> Augmenter:
        noise = self.recipe.augment is not None and self.recipe.augment.noise is not None
        return Augmenter(self._inputs(rows, jobs, hears=noise))

    def perturber(self, test: Examples, jobs: int | None = None, layers: Sequence[str] = ()) -> Perturber:
        """What makes test rows as they are heard and read at each step of a ladder.

        Args:
            test: the test rows.
            jobs: processes that read recordings.
            layers: of transcripts, whose texts a step reads in the place of the recipe's.

        Raises:
            StoreError: the store does not have such a layer of these rows.
        """
        train = self.rows("train")
        hears = "audio" in self.recipe.modalities
        inputs = self._inputs(pd.concat([test.rows, train], ignore_index=True), jobs, hears=hears)
        voices = [
            id
            for id, notes in zip(train["id"], train["notes"], strict=True)
            if hears and not plugin.is_silenced(notes)
        ]
        words = inputs.words(train["id"]) if inputs.texts else []
        return Perturber(inputs, voices, words, {layer: self._read_from(layer) for layer in layers})

    def _read_from(self, layer: str) -> dict[str, Read]:
        """id -> target and history of the test rows, as a layer of transcripts has them."""
        data = self.recipe.data.model_copy(update={"text": layer})
        heard = Source(self.recipe.model_copy(update={"data": data}))
        rows = heard.rows("test")
        return dict(zip(rows["id"], zip(*heard._texts(rows), strict=True), strict=True))

    def _inputs(self, rows: pd.DataFrame, jobs: int | None, *, hears: bool) -> Inputs:
        tokenizer = self.tokenizer if isinstance(self.recipe.encoders().get("text"), TextEncoder) else None
        texts = zip(*self._texts(rows), strict=True) if "text" in self.recipe.modalities else ()
        return Inputs(
            self.recipe,
            samples=audio_samples(self.store, self._shards(rows), jobs) if hears else {},
            texts=dict(zip(rows["id"], texts, strict=False)),
            tokenizer=tokenizer,
        )

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

    def _audio_features(
        self, rows: pd.DataFrame, config: AudioFeatures, jobs: int | None
    ) -> Mapping[str, Tensor]:
        if not isinstance(config, Stored):
            return audio_features(self.store, self._shards(rows), config, jobs)
        features = stored_features(self.store, sorted(set(rows["corpus"])), config)
        check_complete(features, rows["id"], config)
        return features

    def _clips(self, rows: pd.DataFrame, encoder: AudioEncoder, jobs: int | None) -> Clips:
        config = load_config(encoder)
        if config["model_type"] == whisper.MODEL_TYPE:
            whisper.check_front_end(self.extractor, config, encoder.model)
        samples = audio_samples(self.store, self._shards(rows), jobs)
        return Clips(
            [samples[id] for id in rows["id"]],
            names=rows["audio_sha256"].tolist(),
            longest=encoder.seconds,
            shortest=shortest(config),
            extractor=self.extractor,
        )

    def _texts(self, rows: pd.DataFrame) -> tuple[list[str | None], list[list[str]]]:
        """The targets, None where there is no transcript, and what was said before each."""
        column = self.recipe.features.text.column
        texts: list[Any] = [text if isinstance(text, str) else None for text in rows[column]]
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
        heard = self._heard if self.recipe.data.text else None
        return {id: history_texts(turns, context, heard) for id, turns in turns_before.items()}

"""The model of a run, applied to rows of its store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from merdata import plugin
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Examples, Source, for_training
from merdata_train.errors import ProtocolError, RunError
from merdata_train.features.cache import cache_folder
from merdata_train.models.emotion import EmotionModel, ModelOutput
from merdata_train.models.inference import embed, outputs, predict
from merdata_train.runs.folder import read_history
from merdata_train.scoring.calibration import fit_temperature
from merdata_train.scoring.checks import check_selected
from merdata_train.scoring.metrics import confusion, named, scores
from merdata_train.training.stages import frozen_encoders, rows_of

SAID = ["id", "text", "prompt"]
KEPT = ["id", "corpus", "domain", "speaker", "gender", "language", "dialogue", "label"]


@dataclass(frozen=True)
class SavedModel:
    """The saved model of a run, to be applied to rows of its store.

    Attributes:
        folder: of the run.
        source: of its rows.
        model: the saved one, on its device.
        workers: processes that read recordings.
    """

    folder: Path
    source: Source
    model: EmotionModel
    workers: int

    def selected(self, validation: Examples) -> pd.DataFrame:
        """Predictions on the validation rows, by the model that they chose.

        Raises:
            ProtocolError: the model's classes are others, or another model was chosen.
        """
        classes = tuple(self.model.classes)
        if classes != validation.classes:
            raise ProtocolError(
                f"{self.folder}: the model's classes {list(classes)} are not {list(validation.classes)}"
            )
        predictions = self.predictions(validation)
        counts = confusion(predictions["label"].tolist(), predictions["predicted"].tolist(), classes)
        recipe = self.source.recipe
        metric = recipe.selection_of(recipe.stages[-1]).metric
        check_selected(read_history(self.folder), metric, named(scores(counts)), self.folder)
        return predictions

    def predictions(self, examples: Examples, *, again: Collection[str] = ()) -> pd.DataFrame:
        """What a table of predictions holds: ids, labels, groups, clusters, probabilities `p_<class>`.

        Args:
            examples: rows of the store.
            again: modalities whose encoder is run again, though it is frozen; outputs of the others are
                cached.

        Raises:
            RunError: the model predicts NaN.
        """
        examples = _encoded(self.model, self.source, examples, again)
        probabilities = predict(self.model, examples, self.workers).numpy()
        if not np.isfinite(probabilities).all():
            raise RunError(
                f"the model of {self.folder} predicts NaN: its training diverged; "
                "train again with a lower stages.N.lr"
            )
        rows = examples.rows[KEPT].copy()
        rows["cluster"] = _clusters(rows, self.source.store.corpora)
        rows["sentence"] = rows["id"].map(self._sentences)
        rows["predicted"] = [examples.classes[number] for number in probabilities.argmax(axis=1)]
        for number, name in enumerate(examples.classes):
            rows[f"p_{name}"] = probabilities[:, number]
        return rows

    @cached_property
    def _sentences(self) -> dict[str, str]:
        """id -> what the row says, of rows that say something."""
        said: dict[str, object] = {}
        for corpus in self.source.corpora:
            rows = self.source.store.rows(SAID, [corpus]).select(SAID).to_pandas()
            said |= dict(zip(rows["id"], plugin.sentences(rows), strict=True))
        return {id: sentence for id, sentence in said.items() if isinstance(sentence, str)}

    def embeddings(self, examples: Examples) -> dict[str, Tensor]:
        """The model's embeddings by name, `[n, width]`."""
        return embed(self.model, _encoded(self.model, self.source, examples), self.workers)

    def outputs(self, examples: Examples) -> Iterator[tuple[list[int], ModelOutput]]:
        """All that the model says of each batch, with the numbers of its examples."""
        return outputs(self.model, _encoded(self.model, self.source, examples), self.workers)


def probabilities_of(model: EmotionModel, source: Source, examples: Examples, workers: int) -> Tensor:
    """Probabilities `[n, classes]` of a trained model; outputs of encoders that stayed frozen are cached."""
    return predict(model, _encoded(model, source, examples), workers)


def _encoded(
    model: EmotionModel, source: Source, examples: Examples, again: Collection[str] = ()
) -> Examples:
    frozen = frozen_encoders(model, source.recipe.stages[-1])
    kept = {name: encoder for name, encoder in frozen.items() if name not in again}
    if kept:
        examples = encoded(kept, examples, cache_folder(source.store))
    return encoded({name: frozen[name] for name in frozen if name in again}, examples, None)


def temperature_of(model: EmotionModel, source: Source, validation: Examples, workers: int) -> float:
    """The temperature that calibrates a trained model, from the validation rows of its last stage.

    1 for a model that predicts NaN: its evaluation says so.
    """
    validation = for_training(validation)
    validation = validation.only(rows_of(source.recipe.stages[-1], validation))
    probabilities = probabilities_of(model, source, validation, workers).numpy()
    return (
        fit_temperature(probabilities, validation.labels.numpy()) if np.isfinite(probabilities).all() else 1.0
    )


def _clusters(rows: pd.DataFrame, corpora: Mapping[str, Mapping[str, Any]]) -> pd.Series[str]:
    """What is resampled: dialogues or speakers, as the corpus states; a row without dialogue by speaker."""
    by_dialogue = rows["corpus"].map(lambda name: corpora[name].get("cluster") == "dialogue")
    unit = rows["dialogue"].where(by_dialogue & rows["dialogue"].notna(), rows["speaker"])
    clusters: pd.Series[str] = rows["corpus"] + "/" + unit.astype(str)
    return clusters

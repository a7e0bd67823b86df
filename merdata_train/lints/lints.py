"""Lints: what is wrong with a training although it would run. They are checked before it starts.

| lint | severity | what it finds |
|---|---|---|
| class-order | refusal | classes in different orders in corpora, data and model |
| single-key-attention | warning | an attention with one key: its softmax is 1 whatever the scores are |
| no-gradient | warning | parameters that get no gradient in one step |
| class-shares | warning | a corpus whose classes count unevenly although the loss weights classes |
| seen-by-encoder | warning | a corpus in test that the encoder was trained on |
| context-without-dialogues | warning | context for corpora that have no dialogues |
| crossed-text | warning | words that tell the class, or a wrong one, where every sentence has every emotion |
| held-out | warning | validation rows that were taken from train, for the protocol has none |
| coverage | warning | a modality that most train rows of a corpus lack |
| oracle | warning | epochs that are chosen by the labels of a target that counts as unlabelled |

A refusal stops the run; a warning is printed and stays in the run's `lints.json` and its model card.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch
from torch import nn

from merdata_train.data.source import Examples, Source, for_training
from merdata_train.encoders.registry import entry as known
from merdata_train.errors import LintError
from merdata_train.lints.crossed import crossed_text
from merdata_train.lints.probe import Observed, observe
from merdata_train.lints.shares import uneven_shares
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import Recipe
from merdata_train.training.objective import Objective
from merdata_train.training.stages import freezes
from merdata_train.training.target import with_target

Severity = Literal["refusal", "warning"]
PROBE_ROWS = 64
PROBE_SEQUENCES = 8
PROBE_SECONDS = 60.0  # of all of these together, but for two
SHOWN = 5
MOST_MISSING = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that a lint found: `message` says what it is and what to do."""

    lint: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Training:
    """Everything that a training is about to use; no test rows."""

    recipe: Recipe
    source: Source
    train: Examples
    validation: Examples
    model: nn.Module

    @cached_property
    def observed(self) -> Observed:
        train, objective = Objective.of(self.recipe, self.recipe.stages[0], self.train)

        def loss_of(output: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
            losses = objective(output, batch, [1.0] * (1 + len(objective.terms)))
            return torch.stack(list(losses.values())).sum()

        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not all(freezes(stage, name) for stage in self.recipe.stages))
        batch = _probe(with_target(train), len(train)) | {"progress": torch.tensor(0.5)}
        return observe(self.model, batch, loss_of)


def lint(recipe: Recipe, source: Source, train: Examples, validation: Examples) -> list[dict[str, str]]:
    """Run every lint; print the warnings on stderr.

    Returns:
        What lints.json records, an entry for each finding.

    Raises:
        LintError: a lint refuses the training; it names all refusals.
    """
    with torch.random.fork_rng():
        model = EmotionModel.of(recipe, list(train.classes))
    training = Training(recipe, source, for_training(train), for_training(validation), model)
    found = list(findings(training))
    refusals = [finding.message for finding in found if finding.severity == "refusal"]
    if refusals:
        raise LintError("; ".join(refusals))
    for finding in found:
        print(f"merdata_train: {finding.lint}: {finding.message}", file=sys.stderr)
    return [asdict(finding) for finding in found]


def findings(training: Training) -> Iterator[Finding]:
    """The findings of all lints, in the order of the table."""
    for name, (severity, check) in LINTS.items():
        for message in check(training):
            yield Finding(name, severity, message)


def _class_order(training: Training) -> Iterator[str]:
    store = training.source.store
    orders = {
        f"{shard.corpus} ({shard.relative})": _classes_of(store.rows_of(shard, ["label"]))
        for shard in _shards(training)
    }
    yield from disagreeing({"the store": store.space.classes, **orders})
    yield from disagreeing(
        {
            f"label space {training.recipe.labels}": training.source.space.classes,
            "the train rows": training.train.classes,
            "the validation rows": training.validation.classes,
            "the model": getattr(training.model, "classes", training.train.classes),
        }
    )


def disagreeing(orders: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A sentence on each of `orders` (place -> classes) that is not the first."""
    (first, wanted), *others = orders.items()
    for place, classes in others:
        if tuple(classes) != tuple(wanted):
            yield (
                f"the classes of {place} are {', '.join(classes)}, those of {first} are "
                f"{', '.join(wanted)}: build the corpus again, or train the model again"
            )


def _shards(training: Training) -> list[Any]:
    return training.source.store.shards(training.source.corpora)


def _classes_of(rows: pa.Table) -> list[str]:
    """The names of a shard's ClassLabel column, in the order of its numbers."""
    features = json.loads(rows.schema.metadata[b"huggingface"])["info"]["features"]
    names: list[str] = features["label"]["names"]
    return names


def _single_key(training: Training) -> Iterator[str]:
    places = training.observed.single_key
    if places:
        yield (
            f"{_list(places)} attends to a single key, so its softmax is 1 whatever queries, keys and biases "
            "are: give it sequences, not pooled vectors"
        )


def _no_gradient(training: Training) -> Iterator[str]:
    names = training.observed.without_gradient
    if names:
        yield (
            f"{len(names)} parameters get no gradient in one step ({_list(names)}): remove what computes "
            "them, or look for the modality or the path that no row uses"
        )


def _probe(train: Examples, labelled: int) -> dict[str, torch.Tensor]:
    """A batch from all over the train rows, of rows that have every modality where there are such.

    As many of the target follow, where there is one.
    """
    if labelled < len(train):
        target = np.arange(len(train)) >= labelled
        halves = (_chosen(train.only(~target)), labelled + _chosen(train.only(target)))
        return train.__getitems__(np.concatenate(halves).tolist())
    return train.__getitems__(_chosen(train).tolist())


def _chosen(train: Examples) -> npt.NDArray[np.int_]:
    there = [tensor.numpy() for name, tensor in train.tensors.items() if name.startswith("has_")]
    whole = np.flatnonzero(np.logical_and.reduce(there)) if there else np.arange(len(train))
    rows = whole if len(whole) else np.arange(len(train))
    if train.sequences:  # a step of an encoder takes seconds where there is no accelerator
        costs = train.costs[rows].sum(axis=1)
        shortest = np.argsort(costs)[:PROBE_SEQUENCES]
        few = np.cumsum(costs[shortest]) <= PROBE_SECONDS
        probed: npt.NDArray[np.int_] = rows[shortest[: max(2, int(few.sum()))]]
        return probed
    spread = np.linspace(0, len(rows) - 1, min(PROBE_ROWS, len(rows))).astype(int)
    chosen: npt.NDArray[np.int_] = rows[spread]
    return chosen


def _class_shares(training: Training) -> Iterator[str]:
    yield from uneven_shares(training.recipe, training.train.rows)


def _seen_by_encoder(training: Training) -> Iterator[str]:
    source = training.source
    splits = source.protocol.splits(training.recipe.fold)
    tested = {id.partition("/")[0] for id, split in splits.items() if split == "test"}
    yield from seen_by_encoder(training.recipe.features.model_dump(), tested & set(source.corpora))


def seen_by_encoder(features: Mapping[str, Any], tested: Collection[str]) -> Iterator[str]:
    """A sentence on each encoder named in `features` that was trained on a corpus of the test set."""
    for encoder in sorted(set(_words(features))):
        entry = known(encoder)
        labels, audio = entry.get("labels", []), entry.get("audio", [])
        for corpora, what in ((labels, "emotion labels"), (audio, "recordings, without labels,")):
            seen = sorted(set(corpora) & set(tested))
            if seen:
                yield (
                    f"{encoder} has seen the {what} of {', '.join(seen)}, which the test set holds "
                    f"({entry['evidence']}): numbers on it are not clean; compare with another encoder"
                )


def _words(tree: Any) -> Iterator[str]:
    """All strings in a tree of values."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _words(value)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _words(value)


def _context_without_dialogues(training: Training) -> Iterator[str]:
    context = training.recipe.model_dump().get("context") or {}
    yield from context_without_dialogues(context.get("previous") or 0, training.train.rows)


def context_without_dialogues(previous: int, rows: pd.DataFrame) -> Iterator[str]:
    """Corpora of `rows` (corpus, dialogue) that have no dialogues to take `previous` utterances from."""
    if previous <= 0:
        return
    has = rows["dialogue"].notna().groupby(rows["corpus"]).any()
    without = sorted(has.index[~has])
    if without:
        yield (
            f"context.previous is {previous}, and {', '.join(without)} has no dialogues: its rows get no "
            "history; leave it out with data.corpora, or expect context only for the other corpora"
        )


def _coverage(training: Training) -> Iterator[str]:
    yield from coverage(training.train)


def coverage(train: Examples) -> Iterator[str]:
    """A sentence on each modality that most train rows of a corpus lack."""
    for key, tensor in train.tensors.items():
        if key.startswith("has_"):
            lacks = (~pd.Series(tensor.numpy())).groupby(train.rows["corpus"].to_numpy()).mean()
            told = [f"{share:.0%} of {corpus}" for corpus, share in lacks.items() if share > MOST_MISSING]
            if told:
                yield (
                    f"{key.removeprefix('has_')} is missing in {', '.join(told)}: a score on "
                    "these corpora is that of the other modality"
                )


def _oracle(training: Training) -> Iterator[str]:
    recipe = training.recipe
    stages = [stage.name for stage in recipe.stages if recipe.selection_of(stage).oracle]
    if stages:
        yield (
            f"labels of the target choose the epochs of {', '.join(stages)}: its scores are what could be "
            "reached, not what a training without these labels reaches"
        )


def _held_out(training: Training) -> Iterator[str]:
    rule = training.source.validation_rule
    if rule is not None:
        yield f"validation rows are {rule}"


def _crossed_text(training: Training) -> Iterator[str]:
    facts = training.source.store.corpora
    crossed = [name for name in training.source.corpora if facts[name].get("crossed")]
    yield from crossed_text(training.train.rows, training.validation.rows, crossed)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


LINTS: dict[str, tuple[Severity, Callable[[Training], Iterator[str]]]] = {
    "class-order": ("refusal", _class_order),
    "single-key-attention": ("warning", _single_key),
    "no-gradient": ("warning", _no_gradient),
    "class-shares": ("warning", _class_shares),
    "seen-by-encoder": ("warning", _seen_by_encoder),
    "context-without-dialogues": ("warning", _context_without_dialogues),
    "crossed-text": ("warning", _crossed_text),
    "held-out": ("warning", _held_out),
    "coverage": ("warning", _coverage),
    "oracle": ("warning", _oracle),
}

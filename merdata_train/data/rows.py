"""The labelled rows of a recipe with their split: chosen by corpus, language and column, or held out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

import merdata
from merdata.plugin import did_you_mean
from merdata_train.errors import RecipeError
from merdata_train.recipe.data import Data, Rows
from merdata_train.recipe.recipe import Recipe

COLUMNS = (
    "id",
    "corpus",
    "speaker",
    "gender",
    "dialogue",
    "language",
    "text",
    "prompt",
    "label",
    "raw_label",
    "notes",
    "seconds",
    "audio_sha256",
)
SPLITS = ("train", "validation", "test")
HELD_OUT = 0.15  # of each corpus's train rows, where a protocol has no validation rows
FEWEST_GROUPS = 5
SHOWN = 20  # values of a column that a message lists


def corpora_of(data: Data, store: merdata.Store) -> list[str]:
    """The corpora that any split takes rows from.

    Raises:
        RecipeError: the store does not have one that is named.
    """
    named = [data.of_split(split).corpora for split in SPLITS]
    named += [data.unlabelled.corpora] if data.unlabelled else []
    for name in {name for names in named for name in names or ()}:
        if name not in store.corpora:
            hint = did_you_mean(name, store.corpora)
            raise RecipeError(
                f"data: {store.path} does not have {name!r}{hint}; it has {', '.join(sorted(store.corpora))}"
            )
    if None in named:
        return sorted(store.corpora)
    return list(dict.fromkeys(name for names in named for name in names or ()))


def known_rows(
    recipe: Recipe, store: merdata.Store, space: merdata.LabelSpace, splits: dict[str, str]
) -> pd.DataFrame:
    """The rows of a recipe's corpora, with their domain, shard, split and label; None for what has none.

    Args:
        recipe: its data, and the columns that its stages name.
        store: where the rows are.
        space: of the labels.
        splits: id -> split.

    Raises:
        RecipeError: the recipe names a column or a value that no row has.
    """
    data = recipe.data
    wanted = [*(data.of_split(split) for split in SPLITS), *(stage.data for stage in recipe.stages)]
    wanted += [data.unlabelled] if data.unlabelled else []
    corpora = corpora_of(data, store)
    _refuse_columns(wanted, store)
    more = [name for part in recipe.auxiliaries().values() for name in part.columns]
    table = store.rows(list(dict.fromkeys([*_columns(wanted), *more])), corpora)
    rows = table.to_pandas()
    rows["label"] = store.relabel(table, space)
    rows["domain"] = [store.corpora[corpus]["domain"] for corpus in rows["corpus"]]
    rows["shard"] = rows["id"].map(store.shard_of)
    rows["split"] = rows["id"].map(splits)
    for part in wanted:
        _refuse_unknown(part, rows)
    known: pd.DataFrame = rows
    return known


def labelled_rows(rows: pd.DataFrame, data: Data) -> pd.DataFrame:
    """The rows that a recipe may use: those with a label and a split, of the split's corpora and columns."""
    chosen = [(rows["split"] == split) & belong(rows, data.of_split(split)) for split in SPLITS]
    labelled: pd.DataFrame = rows[np.logical_or.reduce(chosen) & rows["label"].notna()]
    return labelled


def belong(rows: pd.DataFrame, chosen: Rows) -> pd.Series[bool]:
    """Which of some rows (corpus, language and the columns that are named) are chosen."""
    keep = pd.Series(True, index=rows.index)
    named = {"corpus": chosen.corpora, "language": chosen.languages, **chosen.columns}
    for column, values in named.items():
        if values is not None:
            keep &= rows[column].astype(str).isin(values)
    return keep


def held_out(train: pd.DataFrame, key: str) -> tuple[pd.Series[bool], str]:
    """Validation rows for a protocol that has none: which of the train rows, and the rule in words.

    From each corpus whole groups are taken in the order of a hash, until they hold 15 % of its rows:
    dialogues where it has them, else speakers where there are at least five, else sentences.

    Args:
        train: corpus, speaker, dialogue, text and id of the train rows.
        key: of the hash, so that two protocols hold out other groups.
    """
    chosen = pd.Series(False, index=train.index)
    units = {}
    for corpus, rows in train.groupby("corpus"):
        units[corpus], group = _group(rows)
        chosen[rows.index] = group.isin(_first_groups(group, f"{key}/{corpus}"))
    told = ", ".join(f"{corpus} by {unit}" for corpus, unit in units.items())
    return chosen, f"{HELD_OUT:.0%} of the train rows, for the protocol has no validation rows: {told}"


def _group(rows: pd.DataFrame) -> tuple[str, pd.Series[str]]:
    for unit, fewest in (("dialogue", 1), ("speaker", FEWEST_GROUPS), ("text", FEWEST_GROUPS)):
        if rows[unit].notna().all() and rows[unit].nunique() >= max(fewest, 2):
            return ("sentence" if unit == "text" else unit), rows[unit]
    return "row", rows["id"]


def _first_groups(group: pd.Series[str], key: str) -> list[str]:
    """Groups in the order of their hash, until they hold enough rows; never all of them."""
    sizes = group.value_counts()
    order = sorted(sizes.index, key=lambda name: hashlib.sha256(f"{key}/{name}".encode()).digest())
    enough = int((sizes[order].cumsum() < HELD_OUT * len(group)).sum()) + 1
    return order[: min(enough, len(order) - 1)]


def _columns(wanted: Sequence[Rows]) -> list[str]:
    return list(dict.fromkeys([*COLUMNS, *(name for rows in wanted for name in rows.columns)]))


def _refuse_columns(wanted: Sequence[Rows], store: merdata.Store) -> None:
    named = [name for name in _columns(wanted) if name not in COLUMNS]
    known = store.rows(corpora=sorted(store.corpora)[:1]).column_names if named else []
    for name in named:
        if name not in known:
            raise RecipeError(
                f"data.columns: {store.path} does not have {name!r}{did_you_mean(name, known)}; "
                f"it has {', '.join(known)}"
            )


def _refuse_unknown(chosen: Rows, rows: pd.DataFrame) -> None:
    for column, names in (("language", chosen.languages), *chosen.columns.items()):
        _refuse(column, names or (), rows[column].dropna().astype(str).unique())


def _refuse(column: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            hint, there = did_you_mean(name, known), ", ".join(known[:SHOWN])
            raise RecipeError(f"data: no row has the {column} {name!r}{hint}; there are {there}")

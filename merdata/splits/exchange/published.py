"""Splits that others publish as a rule: named speakers or sessions for validation and test."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

from merdata.errors import SplitError
from merdata.splits.draft import Draft
from merdata.store.protocol import TEST, TRAIN, VALIDATION


@cache
def published() -> dict[str, dict[str, Any]]:
    """Whose rule -> corpus -> which groups are validation and test."""
    text = (files(__package__) / "published.yaml").read_text("utf-8")
    rules: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return rules


def by_rule(source: str, corpus: str, rows: pd.DataFrame) -> Draft:
    """A corpus split by somebody's rule.

    Raises:
        SplitError: they have none for this corpus, or the store lacks a speaker that it names.
    """
    rules = {name: rule for name, rule in published()[source].items() if name != "url"}
    if corpus not in rules:
        raise SplitError(f"the rule of {source} is known for {', '.join(rules)}, not for {corpus}")
    rule = rules[corpus]
    group = rows[rule["by"]]
    wanted = {part: rule.get(part, []) for part in (VALIDATION, TEST)}
    absent = sorted({name for names in wanted.values() for name in names} - set(group))
    if absent:
        raise SplitError(
            f"the store has no {rule['by']} {', '.join(absent)} of {corpus}, whom {source} names"
        )
    split = pd.Series(TRAIN, index=rows["id"])
    for part, names in wanted.items():
        split[group.isin(names).to_numpy()] = part
    kept = split[~split.index.isin(rule.get("left_out", []))]
    draft = Draft({0: kept})
    draft.claim("speaker-disjoint", corpus=corpus)
    if len(kept) < len(rows):
        draft.notes.append(f"{len(rows) - len(kept)} rows of {corpus} that {source} leaves out are left out")
    if not wanted[VALIDATION]:
        draft.notes.append(f"{source} names no validation rows of {corpus}")
    return draft

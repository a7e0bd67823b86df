"""Splits that others publish as a rule: named speakers or sessions for validation and test.

Each corpus keeps those of it in `published.yaml` in its folder.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from merdata.corpora.corpus import Rule
from merdata.corpora.registry import registry
from merdata.errors import SplitError
from merdata.splits.draft import Draft
from merdata.store.protocol import TEST, TRAIN, VALIDATION


@cache
def published() -> dict[str, dict[str, Rule]]:
    """Whose rule -> corpus -> which groups are validation and test."""
    rules: dict[str, dict[str, Rule]] = {}
    for corpus in registry().values():
        for source, rule in corpus.published.items():
            rules.setdefault(source, {})[corpus.name] = rule
    return dict(sorted(rules.items()))


def by_rule(source: str, corpus: str, rows: pd.DataFrame) -> Draft:
    """A corpus split by somebody's rule.

    Raises:
        SplitError: they have none for this corpus, or the store lacks a speaker that it names.
    """
    rules = published()[source]
    if corpus not in rules:
        raise SplitError(f"the rule of {source} is known for {', '.join(rules)}, not for {corpus}")
    rule = rules[corpus]
    group = rows[rule["by"]]
    wanted = {VALIDATION: rule.get("validation", []), TEST: rule.get("test", [])}
    absent = sorted({name for names in wanted.values() for name in names} - set(group))
    if absent:
        raise SplitError(
            f"the store has no {rule['by']} {', '.join(absent)} of {corpus}, which {source} names"
        )
    split = pd.Series(TRAIN, index=rows["id"])
    for part, names in wanted.items():
        split[group.isin(names).to_numpy()] = part
    kept = split[~split.index.isin([f"{corpus}/{id}" for id in rule.get("left_out", [])])]
    draft = Draft({0: kept})
    draft.claim("speaker-disjoint", corpus=corpus)
    if len(kept) < len(rows):
        draft.notes.append(f"{len(rows) - len(kept)} rows of {corpus} that {source} leaves out are left out")
    if not wanted[VALIDATION]:
        draft.notes.append(f"{source} names no validation rows of {corpus}")
    return draft

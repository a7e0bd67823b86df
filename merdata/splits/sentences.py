"""Which rows of a corpus say the same sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from merdata.text import text_keys


def sentences(rows: pd.DataFrame) -> pd.Series[str]:
    """The sentence of each row of a corpus; missing where a row has neither text nor prompt.

    Rows that share a prompt say the same, however one of them spells it, and so do rows that share a text. A
    sentence is called by the first of its texts, else by its prompt.

    Args:
        rows: `text` and `prompt` of the rows of one corpus.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    text, texts = pd.factorize(text_keys(rows["text"]), sort=True)
    prompt, prompts = pd.factorize(rows["prompt"], sort=True)
    names = np.concatenate([texts.to_numpy(object), prompts.to_numpy(object)])
    prompt = np.where(prompt < 0, -1, prompt + len(texts))
    both = (text >= 0) & (prompt >= 0)
    links = coo_array((np.ones(both.sum()), (text[both], prompt[both])), (len(names), len(names)))
    _, group = connected_components(links, directed=False)
    _, first = np.unique(group, return_index=True)
    either = np.where(text < 0, prompt, text)
    said = [names[first[group[node]]] if node >= 0 else None for node in either]
    return pd.Series(said, index=rows.index, dtype=object)


def claims_of_text(rows: pd.DataFrame) -> list[str]:
    """What a split of a corpus by `sentences` promises."""
    return ["text-disjoint", *(["prompt-disjoint"] if rows["prompt"].notna().any() else [])]

"""Which rows of a corpus say the same sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from merdata.text import Codes, text_keys

if TYPE_CHECKING:
    import pandas as pd


def sentences(rows: pd.DataFrame) -> pd.Series[str]:
    """The sentence of each row of a corpus; missing where a row has neither text nor prompt.

    A sentence is called by the first of its texts, else by its prompt.

    Args:
        rows: `text` and `prompt` of the rows of one corpus.
    """
    import pandas as pd

    text, texts = pd.factorize(text_keys(rows["text"]), sort=True)
    prompt, prompts = pd.factorize(rows["prompt"], sort=True)
    names = np.array([*texts, *prompts, None], object)
    said = names[same_sentences(text, prompt, len(texts), len(prompts))]
    return pd.Series(said, index=rows.index, dtype=object)


def same_sentences(text: Codes, prompt: Codes, texts: int, prompts: int) -> Codes:
    """What each row says: the number of its first text, or of its first prompt counted on from the texts.

    Rows that share a prompt say the same, however one of them spells it, and so do rows that share a text.

    Args:
        text: `[rows]`, from 0; -1 where a row has none.
        prompt: `[rows]`, likewise.
        texts: how many texts there are.
        prompts: how many prompts there are.

    Returns:
        `[rows]`, -1 where a row has neither.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    prompt = np.where(prompt < 0, -1, prompt + texts)
    both, size = (text >= 0) & (prompt >= 0), texts + prompts
    links = coo_array((np.ones(both.sum()), (text[both], prompt[both])), (size, size))
    _, group = connected_components(links, directed=False)
    _, first = np.unique(group, return_index=True)
    either = np.where(text < 0, prompt, text)
    return np.where(either < 0, -1, first[group[either]] if size else -1)


def claims_of_text(rows: pd.DataFrame) -> list[str]:
    """What a split of a corpus by `sentences` promises."""
    return ["text-disjoint", *(["prompt-disjoint"] if rows["prompt"].notna().any() else [])]

"""Conversational context: the utterances before a target, in the text that is hashed or tokenised.

`speaker=A utt_{t-N} </s> ... </s> speaker=B utt_t` ; only earlier turns of the dialogue, and only
of the same split. Rows that belong to no dialogue stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

import merdata
from merdata_train.features.hashing import hashed
from merdata_train.recipe.data import Context
from merdata_train.recipe.features import Hashing

SEPARATOR = " </s> "


def history_texts(
    turns: Sequence[merdata.Turn], context: Context, heard: Mapping[str, str | None] | None = None
) -> list[str]:
    """The turns as texts, oldest first; gaps and turns without a transcript say nothing.

    Args:
        turns: of a row.
        context: the recipe's.
        heard: id -> recognised text, which takes the place of the corpus's; None for the latter.
    """
    texts = [turn.text if heard is None else heard.get(turn.id or "") for turn in turns]
    return [_spoken(turn.speaker, text, context) for turn, text in zip(turns, texts, strict=True) if text]


def target_text(speaker: str, text: str | None, context: Context) -> str | None:
    """The target as it stands in its dialogue."""
    return None if text is None else _spoken(speaker, text, context)


def joined(history: Sequence[str], target: str | None) -> str | None:
    """History and target as one text; a target without words has none, whatever was said before."""
    return None if target is None else SEPARATOR.join([*history, target])


def _spoken(speaker: str | None, text: str, context: Context) -> str:
    return f"speaker={'_'.join(speaker.split())} {text}" if context.speaker_prefix and speaker else text


def text_width(config: Hashing, context: Context | None) -> int:
    """Values of a row's text vector."""
    return config.n_features * (2 if context and context.separate else 1)


def text_vectors(
    targets: Sequence[str | None],
    histories: Sequence[Sequence[str]],
    config: Hashing,
    context: Context | None,
) -> npt.NDArray[np.float32]:
    """`[rows, text_width]`: the hashed target with its history, or the two in blocks of their own."""
    if context is None:
        return hashed(targets, config)
    if context.separate:
        before = [SEPARATOR.join(history) or None for history in histories]
        return np.hstack([hashed(targets, config), hashed(before, config)])
    return hashed([joined(*both) for both in zip(histories, targets, strict=True)], config)

"""A target and its history as the tokens of a text encoder; the oldest are left out if there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int32]


def tokenise(
    targets: Sequence[str | None], histories: Sequence[Sequence[str]], tokenizer: Any, most: int
) -> tuple[list[Tokens], list[int]]:
    """`<s> oldest </s></s> ... </s></s> target </s>`, at most `most` tokens, and where each target begins.

    Where that is too long, the oldest utterance is left out, then the next; the target stays, and only one
    that is longer than `most` by itself is cut at its end. A missing target is an empty one.
    """
    begin, end, between = _special(tokenizer)
    spoken = list(
        dict.fromkeys(
            [*(text or "" for text in targets), *(turn for history in histories for turn in history)]
        )
    )
    # All at once: the tokenizer works in parallel, and a sentence that many speakers read is tokenised once.
    ids = tokenizer(spoken, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
    of = dict(zip(spoken, ids, strict=True))
    room = most - 2
    rows, starts = [], []
    for target, history in zip(targets, histories, strict=True):
        own = kept = of[target or ""][:room]
        for turn in reversed(history):
            longer = [*of[turn], *between, *kept]
            if len(longer) > room:
                break
            kept = longer
        rows.append(np.array([begin, *kept, end], np.int32))
        starts.append(1 + len(kept) - len(own))
    return rows, starts


def _special(tokenizer: Any) -> tuple[int, int, list[int]]:
    """The tokens before, after and between utterances, as the encoder has them for a pair of texts."""
    begin = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    between = tokenizer.num_special_tokens_to_add(pair=True) - tokenizer.num_special_tokens_to_add(pair=False)
    return begin, end, [end] * between

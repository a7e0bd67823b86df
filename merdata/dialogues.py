"""Dialogue windows: what was said before an utterance, never after it or in another split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from merdata.errors import OptionError
from merdata.store.protocol import Protocol
from merdata.store.store import Store, open_store
from merdata.utterance import is_silenced

COLUMNS = ("id", "corpus", "dialogue", "turn", "speaker", "text", "notes")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a history.

    Attributes:
        turn: its number in the dialogue.
        id, speaker, text: None in a gap: a turn that is missing from the store, or is in another split.
        heard: False in a gap, and where silence replaces the audio.
    """

    turn: int
    id: str | None = None
    speaker: str | None = None
    text: str | None = None
    heard: bool = False


def histories(
    store: str | Path | Store,
    previous: int,
    *,
    corpora: Iterable[str] | None = None,
    protocol: Protocol | None = None,
    fold: int | str = 0,
) -> dict[str, list[Turn]]:
    """The turns before each utterance of a dialogue.

    Args:
        store: the store, or its folder or URL.
        previous: how many turns to look back, 0 or more.
        corpora: only these.
        protocol: turns of another split become gaps; a row that the protocol leaves out has no history.
        fold: of the protocol.

    Returns:
        id -> its turns, oldest first, fewer at the start of a dialogue. Rows without a dialogue are left out.

    Raises:
        OptionError: `previous` is negative.
        SplitError: the protocol has no such fold.
        StoreError: the store cannot be read.
    """
    if previous < 0:
        raise OptionError(
            f"previous is a number of turns before an utterance: it must be 0 or more, not {previous}"
        )
    store = open_store(store)
    split_of = protocol.splits(fold) if protocol else None
    dialogues: dict[tuple[str, str, str | None], dict[int, Turn]] = defaultdict(dict)
    columns = store.rows(COLUMNS, corpora).select(COLUMNS).columns
    for id, corpus, dialogue, turn, speaker, text, notes in zip(
        *(column.to_pylist() for column in columns), strict=True
    ):
        if dialogue is None or turn is None or (split_of is not None and id not in split_of):
            continue
        group = (corpus, dialogue, split_of[id] if split_of else None)
        dialogues[group][turn] = Turn(turn, id, speaker, text, heard=not is_silenced(notes))
    return {
        str(turn.id): [turns.get(number, Turn(number)) for number in range(max(0, last - previous), last)]
        for turns in dialogues.values()
        for last, turn in turns.items()
    }

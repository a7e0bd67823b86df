"""Dialogue windows: what was said before an utterance, never after it and never in another split."""

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
        id, speaker, text: None in a gap: a turn that the corpus or the store lacks, or of another split.
        heard: False in a gap, and where the audio could not be played and is silence.
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
        store: the store, or its folder.
        previous: how many turns to look back, 0 or more.
        corpora: only these.
        protocol: no turn of another split is shown; a row that the protocol leaves out has no history.
        fold: of the protocol.

    Returns:
        id -> its turns, oldest first, fewer at the start of a dialogue. Rows of no dialogue are left out.

    Raises:
        OptionError: `previous` is negative.
        SplitError: the protocol has no such fold.
        StoreError: the store cannot be read.
    """
    if previous < 0:
        raise OptionError(f"previous counts turns before an utterance, so it is 0 or more, not {previous}")
    store = open_store(store)
    split_of = protocol.splits(fold) if protocol else None
    dialogues: dict[tuple[str, str, str | None], dict[int, Turn]] = defaultdict(dict)
    columns = store.rows(COLUMNS, corpora).select(COLUMNS).columns
    for id, corpus, dialogue, turn, speaker, text, notes in zip(
        *(column.to_pylist() for column in columns), strict=True
    ):
        if dialogue is None or turn is None or (split_of is not None and id not in split_of):
            continue
        where = (corpus, dialogue, split_of[id] if split_of else None)
        dialogues[where][turn] = Turn(turn, id, speaker, text, heard=not is_silenced(notes))
    return {
        str(one.id): [turns.get(at, Turn(at)) for at in range(max(0, number - previous), number)]
        for turns in dialogues.values()
        for number, one in turns.items()
    }

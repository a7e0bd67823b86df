"""Dialogue windows: earlier turns of the same dialogue and split, with the gaps marked."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

import merdata
from merdata.errors import OptionError
from tests.merdata.protocols import make_protocol


def test_only_earlier_turns_of_the_same_dialogue(store: merdata.Store) -> None:
    rows = store.rows(["id", "corpus", "dialogue", "turn", "text", "speaker"]).to_pandas().set_index("id")
    found = merdata.histories(store, 3)
    assert set(found) == set(rows.index[rows["dialogue"].notna()])
    assert any(len(turns) == 3 for turns in found.values())
    for id, turns in found.items():
        here = rows.loc[id]
        assert [turn.turn for turn in turns] == list(range(max(0, int(here["turn"]) - 3), int(here["turn"])))
        for turn in turns:
            if turn.id is not None:
                there = rows.loc[turn.id]
                assert (there["corpus"], there["dialogue"]) == (here["corpus"], here["dialogue"])
                assert (there["turn"], there["speaker"]) == (turn.turn, turn.speaker)
                assert turn.text == there["text"]


def test_no_turn_of_another_split_is_shown(store: merdata.Store) -> None:
    rows = store.rows(["id", "dialogue"], ["meld"]).to_pandas().dropna()
    split_of = {id: "train" if at % 2 else "test" for at, id in enumerate(rows["id"])}
    found = merdata.histories(store, 5, corpora=["meld"], protocol=make_protocol("x", split_of, {}))
    shown = [(id, turn) for id, turns in found.items() for turn in turns]
    assert all(split_of[turn.id] == split_of[id] for id, turn in shown if turn.id is not None)
    assert any(turn.id is None for _, turn in shown)


def test_rows_outside_a_protocol_have_no_history(store: merdata.Store) -> None:
    rows = store.rows(["id", "dialogue"], ["meld"]).to_pandas()
    one = rows["dialogue"].iloc[0]
    inside = dict.fromkeys(rows.loc[rows["dialogue"] == one, "id"], "test")
    found = merdata.histories(store, 5, protocol=make_protocol("x", inside, {}))
    assert set(found) == set(inside)


def test_none_before_when_none_is_asked(store: merdata.Store) -> None:
    assert not any(merdata.histories(store, 0).values())
    with pytest.raises(OptionError, match="0 or more, not -1"):
        merdata.histories(store, -1)


def test_all_of_meld(real_data: Path, full_tree: Callable[[str], Path], tmp_path: Path) -> None:
    """Every window over the three csv files is what the csv itself says, gaps included."""
    merdata.build(["meld"], full_tree("meld"), tmp_path / "store", on_bad_audio="silence")
    store = merdata.open_store(tmp_path / "store")
    found = merdata.histories(store, 7, protocol=merdata.split(store, "mer"))
    said: dict[tuple[str, int, int], str] = {}
    for split in ("train", "dev", "test"):
        with (real_data / "meld" / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                key = (split, int(row["Dialogue_ID"]), int(row["Utterance_ID"]))
                said[key] = f"meld/{split}/dia{key[1]}_utt{key[2]}"
    assert len(found) == len(said) == 13_708
    gaps = 0
    for (split, dialogue, turn), id in said.items():
        expected = [said.get((split, dialogue, at)) for at in range(max(0, turn - 7), turn)]
        assert [one.id for one in found[id]] == expected
        gaps += expected.count(None)
    assert gaps > 0
    assert not any(one.heard for turns in found.values() for one in turns)  # no clip is there

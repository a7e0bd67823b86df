"""A disturbed build or split leaves the old store or the new one, and goes on to the same bytes.

A small round; `make crash` runs all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.disturb import disturbed
from tests.crash.faults import ERRORS, after_fault, steps_of
from tests.crash.kills import failures_of
from tests.crash.scene import Change, make_changes

EVERY = range(1, 10**9)
CHANGES = ("first build", "rebuild", "split")


@pytest.fixture(scope="module")
def changes(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Change]:
    return make_changes(corpora, tmp_path_factory.mktemp("changes"))


@pytest.mark.parametrize("name", CHANGES)
def test_a_reader_at_any_step_finds_the_old_store_or_the_new_one(
    name: str, changes: dict[str, Change], tmp_path: Path
) -> None:
    change, seen = changes[name], []
    store = change.begin(tmp_path / "store")
    with disturbed(EVERY, lambda: seen.append(change.check(store))) as counter:
        change.apply(change.corpus, store)
    assert counter.steps == len(seen) >= 20
    assert [wrong for wrong in seen if wrong] == []
    assert change.check(store) == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_fault_at_a_step_is_told_and_harms_nothing(
    name: str, changes: dict[str, Change], tmp_path: Path
) -> None:
    steps = range(1, steps_of(changes[name], tmp_path / "store") + 1, 4)
    for at, step in enumerate(steps):
        assert after_fault(changes[name], tmp_path / "store", step, ERRORS[at % 2]) == []


def test_kills_harm_nothing(changes: dict[str, Change], tmp_path: Path) -> None:
    assert failures_of(changes, tmp_path / "store", times=6, seed=0) == []

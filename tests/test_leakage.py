"""The audit finds what is on both sides, and tells a broken promise from a known overlap."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import merdata
from merdata.splits.protocol import make_protocol, save_protocol
from merdata.store import open_store


@pytest.fixture
def copy(store: merdata.Store, tmp_path: Path) -> merdata.Store:
    return open_store(shutil.copytree(store.path, tmp_path / "store"))


def moved(store: merdata.Store, ids: list[str], split: str) -> merdata.Protocol:
    """The default protocol with some rows moved."""
    protocol = merdata.load_protocol(store, "mer")
    return make_protocol("moved", protocol.splits() | dict.fromkeys(ids, split), protocol.properties)


def test_the_default_protocol_holds(store: merdata.Store) -> None:
    findings = merdata.audit(store)
    assert not any(finding.broken for finding in findings)
    claimed = {(one.corpus, one.evaluation) for one in findings if one.claimed and one.shared == "speaker"}
    acted = {corpus for corpus, facts in store.corpora.items() if facts["domain"] == "acted"} - {"tess"}
    assert claimed == {(corpus, split) for corpus in acted for split in ("validation", "test")}


def test_a_shared_speaker_breaks_the_promise(copy: merdata.Store) -> None:
    split_of = merdata.load_protocol(copy, "mer").splits()
    of_test = sorted(id for id, split in split_of.items() if split == "test" and id.startswith("ravdess/"))
    save_protocol(copy, moved(copy, of_test[:1], "train"))
    broken = [finding for finding in merdata.audit(copy, "moved") if finding.broken]
    (finding,) = broken
    assert (finding.shared, finding.corpus, finding.evaluation) == ("speaker", "ravdess", "test")
    assert finding.values == 1
    assert finding.rows == sum(id.endswith(of_test[0][-2:]) for id in of_test[1:])
    assert finding.examples == [f"ravdess/{of_test[0][-2:]}"]


def test_a_cut_dialogue_is_found(copy: merdata.Store) -> None:
    save_protocol(copy, moved(copy, ["meld/test/dia0_utt0"], "train"))
    findings = {(one.shared, one.corpus, one.evaluation): one for one in merdata.audit(copy, "moved")}
    assert findings["dialogue", "meld", "test"].examples == ["meld/test/dia0"]
    assert findings["dialogue", "meld", "test"].broken


def test_identical_audio_on_both_sides_is_found(copy: merdata.Store) -> None:
    rows = {row["id"]: row for row in copy.ledger("cremad").to_pylist()}
    twin = next(row for row in rows.values() if row["same_audio_as"])
    save_protocol(copy, moved(copy, [twin["id"]], "train"))
    save_protocol(copy, moved(copy, [twin["same_audio_as"]], "test"))
    both = merdata.load_protocol(copy, "mer").splits() | {twin["id"]: "train", twin["same_audio_as"]: "test"}
    save_protocol(copy, make_protocol("moved", both, {}))
    findings = {(one.shared, one.corpus, one.evaluation): one for one in merdata.audit(copy, "moved")}
    assert findings["audio", "cremad", "test"].rows == 1

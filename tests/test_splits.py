"""Protocols: tables with a hash, speaker-disjoint where they say so, the same whatever the order of rows."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import merdata
from merdata.builder import build
from merdata.errors import SplitError, StoreError
from merdata.splits.protocol import make_protocol, protocol_path, whole_shards
from merdata.splits.speaker import split_speakers
from merdata.store import open_store


def rows_of(speakers: dict[str, tuple[str | None, str, list[str]]]) -> pa.Table:
    """speaker -> (gender, language, labels of its rows)."""
    rows = [
        {"speaker": speaker, "gender": gender, "language": language, "label": label}
        for speaker, (gender, language, labels) in speakers.items()
        for label in labels
    ]
    return pa.Table.from_pylist(rows)


def crossed(speakers: int, rows: int = 14) -> pa.Table:
    labels = ["joy", "anger", "sadness", "fear", "neutral", "disgust", "surprise"] * (rows // 7)
    return rows_of({f"{n:02d}": ("male" if n % 2 else "female", "en", labels) for n in range(speakers)})


GENDERS = st.sampled_from(["male", "female", None])
LABELS = st.lists(st.sampled_from(["joy", "anger", "neutral"]), min_size=1, max_size=6)
SPEAKERS = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=4),
    st.tuples(GENDERS, st.sampled_from(["en", "zh"]), LABELS),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(SPEAKERS, st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_speaker_has_one_split_whatever_the_order_of_rows(
    speakers: dict[str, tuple[str | None, str, list[str]]], seed: int, random: object
) -> None:
    rows = rows_of(speakers)
    split_of = split_speakers(rows, "corpus", seed)
    if len(speakers) < 3:
        assert split_of is None
        return
    assert split_of is not None
    assert set(split_of) == set(speakers)
    sizes = Counter(split_of.values())
    assert set(sizes) == {"train", "validation", "test"}
    for split in ("validation", "test"):
        fewest = 2 if len(speakers) >= 6 else 1
        assert 1 <= sizes[split] <= max(fewest, round(0.1 * len(speakers)))
    order = list(range(rows.num_rows))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert split_speakers(rows.take(order), "corpus", seed) == split_of


@pytest.mark.parametrize(
    ("speakers", "train", "held_out"), [(3, 1, 1), (5, 3, 1), (6, 2, 2), (24, 20, 2), (91, 73, 9)]
)
def test_sizes_follow_the_ratios(speakers: int, train: int, held_out: int) -> None:
    sizes = Counter((split_speakers(crossed(speakers), "c", 0) or {}).values())
    assert sizes == {"train": train, "validation": held_out, "test": held_out}


@pytest.mark.parametrize("speakers", [6, 24, 48])
@pytest.mark.parametrize("seed", range(3))
def test_genders_are_balanced(speakers: int, seed: int) -> None:
    split_of = split_speakers(crossed(speakers), "c", seed) or {}
    for split in ("validation", "test"):
        genders = Counter(int(name) % 2 for name, at in split_of.items() if at == split)
        assert abs(genders[0] - genders[1]) <= 1


def test_labels_are_balanced() -> None:
    speakers = {f"{n:02d}": ("male", "en", ["joy"] * 20 if n % 2 else ["anger"] * 20) for n in range(20)}
    split_of = split_speakers(rows_of(speakers), "c", 0) or {}
    for split in ("validation", "test"):
        assert {int(name) % 2 for name, at in split_of.items() if at == split} == {0, 1}


def test_seeds_differ_and_repeat() -> None:
    rows = crossed(24)
    assert split_speakers(rows, "c", 1) == split_speakers(rows, "c", 1)
    assert split_speakers(rows, "c", 1) != split_speakers(rows, "c", 2)


def test_the_hash_is_of_the_table_alone() -> None:
    one = make_protocol("x", {"a": "train", "b": "test"}, {"seed": 1})
    other = make_protocol("y", {"b": "test", "a": "train"}, {"seed": 2})
    assert one.hash == other.hash
    assert one.hash != make_protocol("x", {"a": "train", "b": "train"}, {}).hash


def test_default_protocol_on_the_miniatures(store: merdata.Store) -> None:
    protocol = merdata.load_protocol(store, "mer")
    rows = store.rows(["id", "corpus", "speaker", "official_split"]).to_pandas()
    rows["split"] = rows["id"].map(protocol.splits())
    assert rows["split"].notna().all()
    meld = rows[rows["corpus"] == "meld"]
    assert (meld["split"] == meld["official_split"]).all()
    for corpus in ("ravdess", "cremad"):
        groups = rows[rows["corpus"] == corpus].groupby("speaker")["split"].nunique()
        assert (groups == 1).all()
    assert set(rows[rows["corpus"] == "tess"]["split"]) == {"train"}
    assert protocol.properties["notes"] == [
        "tess has 2 speakers, fewer than the 3 that a speaker-disjoint split needs: "
        f"all its {(rows['corpus'] == 'tess').sum()} rows are in train"
    ]


def test_partners_of_a_dialogue_stay_together(store: merdata.Store) -> None:
    rows = store.rows(["id", "session", "dialogue"], ["iemocap"]).to_pandas()
    rows["split"] = rows["id"].map(merdata.load_protocol(store, "mer").splits())
    for group in ("session", "dialogue"):
        assert (rows.groupby(group)["split"].nunique() == 1).all()
    assert set(rows["split"]) == {"train", "validation", "test"}


def test_another_corpus_moves_no_speaker(corpora: Path, store: merdata.Store, tmp_path: Path) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    alone = merdata.split(tmp_path / "store").splits()
    together = merdata.load_protocol(store, "mer").splits()
    assert alone == {id: split for id, split in together.items() if id.startswith("ravdess/")}


def test_shards_stay_whole(store: merdata.Store) -> None:
    parts = whole_shards(store, merdata.load_protocol(store, "mer"))
    assert parts is not None
    assert sorted(shard.relative for shards in parts.values() for shard in shards) == sorted(
        shard.relative for shard in store.shards()
    )
    ids = sorted(id for ids in store.ids.values() for id in ids)
    cut = make_protocol("cut", {id: "train" if n % 2 else "test" for n, id in enumerate(ids)}, {})
    assert whole_shards(store, cut) is None


def test_a_protocol_outlives_nothing_it_did_not_see(corpora: Path, tmp_path: Path) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    merdata.split(tmp_path / "store")
    report = build(["tess"], corpora / "tess", tmp_path / "store")
    assert report.outdated == ["mer"]
    with pytest.raises(SplitError, match="run `merdata split"):
        merdata.load_protocol(open_store(tmp_path / "store"), "mer")
    merdata.split(tmp_path / "store")
    assert merdata.load_protocol(open_store(tmp_path / "store"), "mer").hash


def test_faults_are_sentences(store: merdata.Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a store"):
        merdata.split(tmp_path)
    with pytest.raises(SplitError, match="no protocol is called 'mre'"):
        merdata.split(store, "mre")
    with pytest.raises(SplitError, match=r"has no protocol 'x' \(there: mer"):
        merdata.load_protocol(store, "x")
    with pytest.raises(SplitError, match="has no fold 3"):
        merdata.load_protocol(store, "mer").splits(3)


def test_an_altered_table_is_noticed(store: merdata.Store, tmp_path: Path) -> None:
    copy = open_store(shutil.copytree(store.path, tmp_path / "store"))
    path = protocol_path(copy, "mer")
    table = pq.read_table(path)
    flipped = ["test" if split == "train" else split for split in table["split"].to_pylist()]
    pq.write_table(table.set_column(1, "split", pa.array(flipped)), path)
    with pytest.raises(SplitError, match="does not have the hash"):
        merdata.load_protocol(copy, "mer")

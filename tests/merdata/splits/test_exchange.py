"""Splits of others: taken over row by row, written in their layout, and back again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import merdata
from merdata.errors import SplitError
from merdata.plugin import TextLookUp, text_keys
from merdata_train.scoring.baselines import TextPrior
from tests.conftest import Once

EMOBOX_FOLDS = {"ravdess": 6, "cremad": 1, "tess": 1}


@pytest.fixture(scope="module")
def full(
    full_tree: Callable[[str], Path], once: Once, tmp_path_factory: pytest.TempPathFactory
) -> merdata.Store:
    """RAVDESS, CREMA-D and TESS at full size, without their audio."""

    def build(folder: Path) -> None:
        for name in EMOBOX_FOLDS:
            merdata.build([name], full_tree(name), folder, on_bad_audio="silence")

    path = tmp_path_factory.mktemp("full") / "store"
    return merdata.open_store(shutil.copytree(once("full store", build), path))


# corpus -> test rows of fold 1 whose speaker is in train, of all; speakers likewise (public files of EmoBox)
SHARED_SPEAKERS = {
    "ravdess": ((0, 240), (0, 4)),
    "cremad": ((1_856, 1_856), (91, 91)),
    "tess": ((700, 700), (2, 2)),
}


@pytest.mark.parametrize("corpus", SHARED_SPEAKERS)
def test_the_audit_of_emobox(corpus: str, full: merdata.Store, real_data: Path) -> None:
    made, _ = merdata.import_split(full, "emobox", corpus, real_data / "emobox", name=f"{corpus}_audited")
    findings = [
        one
        for one in merdata.audit(full, made.name, near_audio=False).findings
        if (one.shared, one.evaluation) == ("speaker", "test")
    ]
    assert len(findings) == EMOBOX_FOLDS[corpus]
    rows, speakers = SHARED_SPEAKERS[corpus]
    assert (findings[0].rows, findings[0].of_rows) == rows
    assert (findings[0].values, findings[0].of_values) == speakers
    assert all(one.disjoint == (corpus == "ravdess") for one in findings)


def test_text_alone_is_below_chance_on_their_tess(full: merdata.Store, real_data: Path) -> None:
    merdata.import_split(full, "emobox", "tess", real_data / "emobox")
    (probe,) = merdata.audit(full, "tess_emobox", near_audio=False).text_probes
    assert probe.lookup_accuracy < 0.01
    assert "below chance" in probe.alarm


def test_the_audit_of_meld(full_tree: Callable[[str], Path], tmp_path: Path) -> None:
    """As published, and with the speakers' names normalised (one spelling of 304 goes): the same counts."""
    merdata.build(["meld"], full_tree("meld"), tmp_path / "store", on_bad_audio="silence")
    store = merdata.open_store(tmp_path / "store")
    merdata.split(store, "official")
    audit = merdata.audit(store, "official", near_audio=False)
    for shared in ("speaker", "speaker name"):
        (one,) = (one for one in audit.findings if (one.shared, one.evaluation) == (shared, "test"))
        assert (one.rows, one.of_rows, one.values, one.of_values) == (2_501, 2_610, 69, 100)
    texts = {one.length: (one.rows, one.of_rows) for one in audit.same_texts}
    assert texts == {
        "1 word": (263, 303),
        "2 words": (72, 190),
        "3 words": (41, 213),
        "4 words": (19, 199),
        "5-9 words": (7, 778),
        "10+ words": (2, 927),
        "all": (404, 2_610),  # 15.5 %
    }
    rows = store.rows(["id", "text", "label"]).to_pandas().set_index("id")
    split = rows.index.map(merdata.load_protocol(store, "official").splits(0))
    train, test = (rows[split == name] for name in ("train", "test"))
    assert TextPrior(train).known(test["text"]) == 404 / 2_610  # the baseline of every run says the same
    look_up = TextLookUp(text_keys(train["text"]), train["label"])  # with which lints look texts up
    answers = look_up.answers(text_keys(test["text"]))
    (whole,) = (one for one in audit.same_texts if one.length == "all")
    assert (answers.notna().sum(), (answers == test["label"]).sum()) == (404, whole.right)


@pytest.mark.parametrize("corpus", EMOBOX_FOLDS)
def test_folds_of_emobox(corpus: str, full: merdata.Store, real_data: Path) -> None:
    made, unmatched = merdata.import_split(full, "emobox", corpus, real_data / "emobox")
    assert not unmatched
    assert len(made.folds) == EMOBOX_FOLDS[corpus]
    rows = full.rows(["id"], [corpus]).num_rows
    for fold in made.folds:
        assert len(made.splits(fold)) == rows


def test_a_missing_train_list_is_the_rest(full: merdata.Store, real_data: Path, tmp_path: Path) -> None:
    there = real_data / "emobox" / "data" / "tess" / "fold_1" / "tess_test_fold_1.jsonl"
    (tmp_path / "data/tess/fold_1").mkdir(parents=True)
    (tmp_path / "data/tess/fold_1" / there.name).write_bytes(there.read_bytes())
    whole, _ = merdata.import_split(full, "emobox", "tess", real_data / "emobox")
    rest, _ = merdata.import_split(full, "emobox", "tess", tmp_path, name="rest")
    assert rest.hash == whole.hash


def test_the_split_of_tfds_has_its_published_size(full: merdata.Store) -> None:
    made, _ = merdata.import_split(full, "tfds", "cremad")
    sizes = made.table["split"].to_pandas().value_counts().to_dict()
    assert sizes == {"train": 5_144, "validation": 738, "test": 1_556}
    assert made.properties["speaker_dependent"] == []


def test_the_split_of_nkululeko(full: merdata.Store) -> None:
    made, _ = merdata.import_split(full, "nkululeko", "ravdess")
    rows = full.rows(["id", "speaker"], ["ravdess"]).to_pandas()
    tested = set(rows.loc[rows["id"].map(made.splits()) == "test", "speaker"])
    assert tested == {"21", "22", "23", "24"}
    with pytest.raises(SplitError, match="known for emovdb, esd, iemocap, ravdess, not for tess"):
        merdata.import_split(full, "nkululeko", "tess")


@pytest.mark.parametrize("kind", ["mer", "loco"])
def test_a_round_trip_over_emobox_is_exact(kind: str, store: merdata.Store, tmp_path: Path) -> None:
    from shutil import copytree

    own = merdata.open_store(copytree(store.path, tmp_path / "store"))
    merdata.split(own, kind)
    files = merdata.export_split(own, "emobox", kind, tmp_path / "out")
    assert all(path.is_file() for path in files)
    table = merdata.load_protocol(own, kind).table.to_pandas()
    for corpus in own.corpora:
        back, unmatched = merdata.import_split(own, "emobox", corpus, tmp_path / "out", name="back")
        assert not unmatched
        mine = table[table["id"].str.startswith(f"{corpus}/")]
        theirs = back.table.to_pandas()
        assert sorted(zip(*mine[["id", "split", "fold"]].T.to_numpy(), strict=True)) == sorted(
            zip(*theirs[["id", "split", "fold"]].T.to_numpy(), strict=True)
        )


def test_exported_lines_say_what_theirs_say(full: merdata.Store, real_data: Path, tmp_path: Path) -> None:
    merdata.import_split(full, "emobox", "ravdess", real_data / "emobox")
    merdata.export_split(full, "emobox", "ravdess_emobox", tmp_path)
    name = "data/ravdess/fold_1/ravdess_test_fold_1.jsonl"
    ours = {line["key"]: line for line in lines(tmp_path / name)}
    theirs = {line["key"]: line for line in lines(real_data / "emobox" / name)}
    assert ours.keys() == theirs.keys()
    key = next(iter(theirs))
    assert ours[key].keys() == theirs[key].keys()
    for known in ("dataset", "wav", "type", "task", "channel"):
        assert ours[key][known] == theirs[key][known]
    labels = json.loads((tmp_path / "data/ravdess/label_map.json").read_text("utf-8"))
    assert {line["emo"] for line in ours.values()} <= set(labels)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_sessions_of_s3prl(store: merdata.Store, tmp_path: Path) -> None:
    from shutil import copytree

    own = merdata.open_store(copytree(store.path, tmp_path / "store"))
    rows = own.rows(["id", "session", "source", "label"], ["iemocap"]).to_pandas()
    for fold in range(1, 6):
        folder = tmp_path / "s3prl" / "meta_data" / f"Session{fold}"
        folder.mkdir(parents=True)
        tested = rows["session"] == f"Ses0{fold}"
        for split, part in (("train", rows[~tested]), ("test", rows[tested])):
            paths = [{"path": path, "label": "neu", "speaker": "?"} for path in part["source"]]
            strange = [{"path": "Session9/x/Ses09F_impro01_F000.wav"}] if split == "test" else []
            (folder / f"{split}_meta_data.json").write_text(json.dumps({"meta_data": paths + strange}))
    made, unmatched = merdata.import_split(own, "s3prl", "iemocap", tmp_path / "s3prl")
    assert unmatched == ["Ses09F_impro01_F000"]
    assert any(note.startswith("1 keys fit no row") for note in made.properties["notes"])
    sessions = rows.set_index("id")["session"]
    for fold in (1, 2, 3):
        tests = [id for id, split in made.splits(fold).items() if split == "test"]
        assert set(sessions[tests]) == {f"Ses0{fold}"}


def test_the_cross_corpus_test_sets_of_emobox(store: merdata.Store, tmp_path: Path) -> None:
    from shutil import copytree

    own = merdata.open_store(copytree(store.path, tmp_path / "store"))
    rows = own.rows(["id", "speaker"], ["ravdess"]).to_pandas().head(4)
    listed = [
        {"wav_filename": f"Actor_{row.speaker}/{Path(row.id).name}.wav", "label": "?", "speaker": row.speaker}
        for row in rows.itertuples()
    ]
    path = tmp_path / "data" / "track2" / "RAVDESS_selected_balenced.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(json.dumps(line) for line in listed))
    made, unmatched = merdata.import_split(own, "emobox-track2", "ravdess", tmp_path)
    assert not unmatched
    assert made.splits() == dict.fromkeys(rows["id"], "test")


@pytest.mark.parametrize(
    ("source", "corpus", "message"),
    [
        ("emobox", "ravdess", "has no data/ravdess/fold_1"),
        ("emobox-track2", "ravdess", "cannot read .*balenced"),
        ("s3prl", "iemocap", "cannot read .*Session1"),
        ("mosei", "esd", "no split of 'mosei' can be imported"),
    ],
)
def test_faults_are_sentences(
    source: str, corpus: str, message: str, store: merdata.Store, tmp_path: Path
) -> None:
    with pytest.raises(SplitError, match=message):
        merdata.import_split(store, source, corpus, tmp_path)


def test_a_row_in_two_splits_is_refused(store: merdata.Store, tmp_path: Path) -> None:
    id = store.rows(["id"], ["ravdess"])["id"][0].as_py()
    line = json.dumps({"key": f"ravdess-{Path(id).name}", "wav": f"{id}.wav"})
    folder = tmp_path / "data/ravdess/fold_1"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        (folder / f"ravdess_{part}_fold_1.jsonl").write_text(line)
    with pytest.raises(SplitError, match="in train and in test"):
        merdata.import_split(store, "emobox", "ravdess", tmp_path)
    with pytest.raises(SplitError, match="layout of emobox, not of 'csv'"):
        merdata.export_split(store, "csv", "mer", tmp_path)


def test_keys_of_rows_that_the_policy_dropped_are_said_to_be_so(store: merdata.Store, tmp_path: Path) -> None:
    """EmoBox's folds of MEAD list contempt, which has no class here: 1,053 keys, none of them unknown."""
    from shutil import copytree

    own = merdata.open_store(copytree(store.path, tmp_path / "store"))
    ledger = [
        row for row in own.ledger("mead").to_pylist() if row["state"] == "stored" or row["reason"] == "label"
    ]
    keys = {
        f"mead-{row['id'].removeprefix('mead/').replace('/', '-').replace('_', '-')}": row for row in ledger
    }
    folder = tmp_path / "data/mead/fold_1"
    folder.mkdir(parents=True)
    lines = [json.dumps({"key": key, "wav": f"{key}.wav"}) for key in keys]
    unknown = json.dumps({"key": "mead-M999-angry-level-1-001", "wav": "x.wav"})
    (folder / "mead_test_fold_1.jsonl").write_text("\n".join([*lines, unknown]))
    made, unmatched = merdata.import_split(own, "emobox", "mead", tmp_path)
    assert unmatched == ["mead-M999-angry-level-1-001"]
    dropped = sum(row["reason"] == "label" for row in ledger)
    assert dropped
    assert any(
        note.startswith(f"{dropped} keys are of rows that the build dropped, as mead-M003-contempt")
        for note in made.properties["notes"]
    )


def test_track2_names_the_speakers_of_iemocap_by_session_and_sex(
    store: merdata.Store, tmp_path: Path
) -> None:
    from shutil import copytree

    own = merdata.open_store(copytree(store.path, tmp_path / "store"))
    rows = own.rows(["id", "speaker"], ["iemocap"]).to_pandas().head(4)
    listed = [
        {"wav_filename": f"{id.split('/')[1]}.wav", "speaker": id.split("/")[1][3:5] + id[-4]}
        for id in rows["id"]
    ]
    path = tmp_path / "data" / "track2" / "IEMOCAP_selected_balenced.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(json.dumps(line) for line in listed))
    made, unmatched = merdata.import_split(own, "emobox-track2", "iemocap", tmp_path)
    assert not unmatched
    assert made.splits() == dict.fromkeys(rows["id"], "test")


def test_stores_and_files_may_be_named_by_text(store: merdata.Store, tmp_path: Path) -> None:
    from shutil import copytree

    own, out = str(copytree(store.path, tmp_path / "store")), str(tmp_path / "out")
    protocol = merdata.load_protocol(own, "mer")
    assert protocol.hash == merdata.load_protocol(store, "mer").hash
    merdata.export_split(own, "emobox", "mer", out)
    back, unmatched = merdata.import_split(own, "emobox", "ravdess", out, name="back")
    assert not unmatched
    listed = tmp_path / "rows.csv"
    back.table.to_pandas().to_csv(listed, index=False)
    files = str(listed), {"train": str(listed)}
    rows = [len(merdata.import_table(own, "ravdess", named, name="again")[0].table) for named in files]
    assert rows == [len(back.table)] * 2

"""Splits that others wrote as tables: any format, any name of a column, any way to name a file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import merdata
from merdata.corpora.miniature import write_corpus
from merdata.errors import LayoutError, SplitError
from merdata.splits.exchange.emobox import read_folds
from merdata.splits.exchange.lists import read_superb, read_table, soft_labels
from merdata.splits.exchange.names import match
from tests.merdata.corpora.trees import listed as listing
from tests.merdata.corpora.trees import touch
from tests.merdata.tables import write_table

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def tess(tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """One actress, 70 rows, of which the policy drops ten."""
    folder = tmp_path_factory.mktemp("tess")
    write_corpus("tess", folder / "tess", speakers=1)
    merdata.build(["tess"], folder / "tess", folder / "store", policy=["ps=drop"], jobs=0)
    return merdata.open_store(folder / "store")


@pytest.fixture(scope="module")
def rows(tess: merdata.Store) -> pd.DataFrame:
    """Every row with a split: two thirds train, the rest in turn validation and test."""
    table = tess.rows(["id", "source"]).select(["id", "source"]).to_pandas()
    table["split"] = [SPLITS[max(0, number % 6 - 3)] for number in range(len(table))]
    return table


NAMES = {  # how a row is named in a table, from its id and source; and how it is found
    "id": (lambda row: row.id, "id"),
    "name.wav": (lambda row: Path(row.source).name, "file name"),  # one has another id than its name
    "stem": (lambda row: Path(row.source).stem, "file name"),
    "path": (lambda row: row.source, "file name"),
    "windows": (lambda row: "D:\\data\\" + row.source.replace("/", "\\"), "file name"),
    "absolute.flac": (lambda row: f"/home/me/{Path(row.source).stem}.flac", "file name"),
}


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_row_is_found_however_it_is_named(
    named: str, ending: str, tess: merdata.Store, rows: pd.DataFrame, tmp_path: Path
) -> None:
    key, how = NAMES[named]
    words = {"train": "Train", "validation": "Development", "test": "TEST"}
    table = pd.DataFrame(
        {"FileName": [key(row) for row in rows.itertuples()], "Split_Set": rows["split"].map(words)}
    )
    made, unmatched = merdata.import_table(tess, "tess", write_table(table, tmp_path / f"mine{ending}"))
    assert unmatched == []
    assert made.name == "tess_mine"
    assert dict(zip(made.table["id"].to_pylist(), made.table["split"].to_pylist(), strict=True)) == dict(
        zip(rows["id"], rows["split"], strict=True)
    )
    assert f"rows are matched by {how}" in made.properties["notes"]
    assert f"mine{ending}: columns file = FileName, split = Split_Set" in made.properties["notes"]


def test_what_fits_on_neither_side_is_named_and_nothing_is_filled_in(
    tess: merdata.Store, rows: pd.DataFrame, tmp_path: Path
) -> None:
    table = rows[["id", "split"]].iloc[2:].copy()
    table.iloc[0, 1] = ""
    extra = pd.DataFrame({"id": ["OAF_nowhere_sad", "tess/OAF_back_ps"], "split": ["test", "train"]})
    made, unmatched = merdata.import_table(
        tess, "tess", write_table(pd.concat([table, extra]), tmp_path / "part.csv")
    )
    assert unmatched == ["OAF_nowhere_sad"]
    assert len(made.table) == len(rows) - 3
    notes = "\n".join(made.properties["notes"])
    assert "1 rows of part.csv have no split" in notes
    assert "1 keys fit no row of the store, or several, as OAF_nowhere_sad" in notes
    assert "1 keys are of rows that the build dropped, as tess/OAF_back_ps" in notes
    assert f"3 rows of tess are in no list: they are in no split, as {rows['id'][0]}" in notes


def test_lists_one_a_split(tess: merdata.Store, rows: pd.DataFrame, tmp_path: Path) -> None:
    files = {}
    for split, own in rows.groupby("split"):
        files[str(split)] = tmp_path / f"{split}.txt"
        files[str(split)].write_text("\n".join(Path(source).name for source in own["source"]))
    files["test"] = write_table(rows[rows["split"] == "test"][["id"]], tmp_path / "test.csv")
    made, unmatched = merdata.import_table(tess, "tess", files)
    assert (len(made.table), unmatched, made.name) == (len(rows), [], "tess_lists")
    whole, _ = merdata.import_table(tess, "tess", write_table(rows, tmp_path / "whole.csv"))
    assert made.hash == whole.hash
    (tmp_path / "train.txt").write_text(rows.loc[rows["split"] == "test", "id"].iloc[0])
    with pytest.raises(SplitError, match=r"in train and in test|in test and in train"):
        merdata.import_table(tess, "tess", files)


def test_folds_keep_their_names(tess: merdata.Store, rows: pd.DataFrame, tmp_path: Path) -> None:
    turned = rows.assign(split=rows["split"].replace({"train": "test", "test": "train"}))
    folds = pd.concat([rows.assign(fold="fold2"), turned.assign(fold="fold10")])
    made, _ = merdata.import_table(tess, "tess", write_table(folds, tmp_path / "folds.csv"))
    assert made.properties["fold_names"] == {"1": "fold2", "2": "fold10"}
    numbered = pd.concat([rows.assign(fold=1), turned.assign(fold=2)])
    assert merdata.import_table(tess, "tess", write_table(numbered, tmp_path / "n.csv"))[0].hash == made.hash


FAULTS = {
    "no split": ("file\na.wav\n", r"has no column split.*its columns are file"),
    "no file": ("split,age\ntrain,3\n", r"has no column file.*its columns are split, age"),
    "strange word": ("file,split\na,Test1\nb,Test1\nc,train\n", r"not 'Test1' \(2 rows\)"),
    "nobody": (
        "file,split\na,train\nb,test\n",
        r"none of the 2 rows .* fits one row of the store, as a",
    ),
    "no word": ("file,split\nOAF_back_sad,\n", "it must name a row, with its split, for each file"),
    "nothing": ("file,split\n", r"the list is empty: it must name a row, with"),
    "one fold a file": ("file,split,fold\na,train,1\nb,test,2\n", r"each file in one fold only"),
    "two splits": (
        "file,split\nOAF_back_sad,train\nOAF_back_sad.,test\nOAF_back_sad,test\n",
        "OAF_back_sad in train and in test",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_table(fault: str, tess: merdata.Store, tmp_path: Path) -> None:
    text, says = FAULTS[fault]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SplitError, match=says):
        merdata.import_table(tess, "tess", tmp_path / "t.csv")
    with pytest.raises(LayoutError, match="is a spreadsheet: save its sheet as csv"):
        read_table(tmp_path / "t.xlsx")


def test_a_column_of_folders_stands_before_the_names(tmp_path: Path) -> None:
    lines = ["folder,file,split", "a\\,x.wav,train", "b,x.wav,test", "c,d/x.wav,test", ",x.wav,dev"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    keys = [entry.key for entry in read_table(tmp_path / "t.csv").entries["file"]]
    assert keys == ["a/x.wav", "b/x.wav", "d/x.wav", "x.wav"]


def test_equal_names_are_told_apart_by_their_folders() -> None:
    sources = {f"c/{spk}/{n}": f"CASIA/{spk}/sad/{n}.wav" for spk in "ab" for n in (201, 202)}
    names = [f"downloads/casia/{spk}/sad/{n}.wav" for spk in "ab" for n in (201, 202)]
    ids, how = match(names, sources, "c")
    assert list(ids.values()) == list(sources)
    assert how == "the last 3 parts of the path"
    assert match(["201.wav"], sources, "c").ids == {}


def test_an_older_checkout_of_emobox_gives_the_same_rows(real_data: Path, tmp_path: Path) -> None:
    newer = set(read_folds("emodb", real_data / "emobox"))
    assert len(newer) == 5 * 535
    for path in (real_data / "emobox" / "data" / "emodb").glob("fold_*/*_fold[1-5].jsonl"):
        other = tmp_path / "data" / "emodb" / path.parent.name / path.name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text(path.read_text().replace('"anger"', '"Angray"'))
    assert set(read_folds("emodb", tmp_path)) == newer


# corpus -> test rows of each fold whose speaker is in train, of all (public files of EmoBox)
LEAKS = {
    "emodb": [(107, 107)] * 5,
    "savee": [(0, 120)] * 4,
    "emovo": [(0, 98)] * 6,
    "turevdb": [(432, 432)],
}


@pytest.fixture(scope="module")
def listed(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """Four corpora at full size, without their audio."""
    folder = tmp_path_factory.mktemp("listed")
    for corpus in LEAKS:
        touch(folder / corpus, listing(real_data, corpus))
    policy = ["emodb.L=keep"]  # boredom is in EmoBox's folds
    merdata.build([*LEAKS], folder, folder / "store", policy=policy, on_bad_audio="silence", jobs=0)
    return merdata.open_store(folder / "store")


@pytest.mark.parametrize("corpus", LEAKS)
def test_folds_of_emobox_by_file_name_or_key_and_their_leaks(
    corpus: str, listed: merdata.Store, real_data: Path
) -> None:
    made, unmatched = merdata.import_split(listed, "emobox", corpus, real_data / "emobox")
    assert unmatched == []
    audit = merdata.audit(listed, made.name, near_audio=False)
    shared = [one for one in audit.findings if (one.shared, one.evaluation) == ("speaker", "test")]
    assert [(one.rows, one.of_rows) for one in shared] == LEAKS[corpus]
    assert bool(made.properties["speaker_dependent"]) == (LEAKS[corpus][0][0] > 0)


@pytest.mark.parametrize(
    ("corpus", "rows", "folds", "several"), [("cremad", 7_442, 5, 0.738), ("iemocap", 10_039, 5, 0.810)]
)
def test_the_tables_of_emo_superb(
    corpus: str, rows: int, folds: int, several: float, real_data: Path
) -> None:
    """Rows with more than one class above chance: as counted in its published files."""
    root = real_data / "emo-superb"
    entries = list(read_superb(corpus, root))
    for fold in range(1, folds + 1):
        own = [entry for entry in entries if entry.fold == fold]
        assert len({entry.key for entry in own}) == len(own) == rows
        assert {entry.split for entry in own} == set(SPLITS)
    shares = soft_labels(corpus, root)
    assert len(shares) == rows
    above = sum(sum(share > 1 / len(own) for share in own.values()) > 1 for own in shares.values())
    assert above / rows == pytest.approx(several, abs=0.0006)


def test_the_command(tess: merdata.Store, rows: pd.DataFrame, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from merdata.cli.app import app

    table = write_table(rows.iloc[1:], tmp_path / "t.csv")
    words = ["split", "import", "table", str(table), str(tess.path), "--corpus", "TESS", "--json"]
    told = json.loads(CliRunner().invoke(app, words).stdout)
    assert (told["unmatched"], told["unlisted"]) == ([], [rows["id"][0]])
    lists = ["split", "import", "table", "--store", str(tess.path), "--corpus", "tess", "--train", str(table)]
    assert "the lists name no test rows" in CliRunner().invoke(app, lists).stdout.replace("\n", " ")

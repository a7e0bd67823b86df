"""Which rows a recipe uses: by split, corpus, language and column; and what is held out of train."""

from __future__ import annotations

from pathlib import Path

import pytest

import merdata
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import load_recipe


def source(store: merdata.Store, *words: str) -> Source:
    return Source(load_recipe("source0/A1", [f"store={store.path}", *words]))


def corpora(source: Source) -> dict[str, set[str]]:
    return {split: set(source.rows(split)["corpus"]) for split in ("train", "validation", "test")}


def test_each_split_has_its_own_corpora(store: merdata.Store) -> None:
    words = ["data.corpora=[ravdess, meld]", "data.train={corpora: [ravdess]}", "data.test={corpora: [meld]}"]
    own = source(store, *words)
    assert corpora(own) == {"train": {"ravdess"}, "validation": {"meld", "ravdess"}, "test": {"meld"}}
    assert {id.partition("/")[0] for id in own.test_ids()} == {"meld"}
    assert set(own.corpora) == {"meld", "ravdess"}


def test_languages_and_columns_narrow_a_split(store: merdata.Store) -> None:
    own = source(store, "data.train={languages: [zh]}")
    assert corpora(own)["train"] == {"esd"} and len(corpora(own)["test"]) > 1
    female = source(store, "data.train={columns: {gender: [female]}}")
    everyone = source(store).rows("train")
    genders = store.rows(["id", "gender"]).to_pandas().set_index("id")["gender"]
    kept = set(everyone["id"][everyone["id"].map(genders) == "female"])
    assert 0 < len(kept) < len(everyone)
    assert set(female.rows("train")["id"]) == kept
    assert set(female.rows("test")["id"]) == set(source(store).rows("test")["id"])


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (
            "data.corpora=[ravdes]",
            r"data: .* does not have 'ravdes' \(did you mean 'ravdess'\?\); it has .*esd",
        ),
        ("data.test={corpora: [mosei]}", "does not have 'mosei'"),
        ("data.train={languages: [eng]}", r"no row has the language 'eng' .*; there are en, zh$"),
        ("data.columns={gendr: [female]}", r"does not have 'gendr' \(did you mean 'gender'\?\); it has id"),
        ("data.columns={gender: [f]}", r"no row has the gender 'f'; there are female, male$"),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_those_that_are_there(
    word: str, says: str, store: merdata.Store
) -> None:
    with pytest.raises(RecipeError, match=says):
        source(store, word).rows("train")


@pytest.fixture(scope="module")
def emobox(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """The real RAVDESS and TESS clips with EmoBox's folds, which have no validation rows."""
    folder = tmp_path_factory.mktemp("emobox")
    for name in ("ravdess", "tess"):
        merdata.build([name], real_data / name, folder / "store", jobs=0)
        merdata.import_split(folder / "store", "emobox", name, real_data / "emobox")
    return merdata.open_store(folder / "store")


@pytest.mark.parametrize(("corpus", "unit"), [("ravdess", "speaker"), ("tess", "sentence")])
def test_a_fold_without_validation_rows_takes_whole_groups_of_train(
    corpus: str, unit: str, emobox: merdata.Store
) -> None:
    fold = merdata.load_protocol(emobox, f"{corpus}_emobox").folds[0]
    words = [f"protocol={corpus}_emobox", f"fold={fold}", f"data.corpora=[{corpus}]"]
    own = source(emobox, *words)
    train, validation = own.rows("train"), own.rows("validation")
    column = "text" if unit == "sentence" else unit
    assert not set(train[column]) & set(validation[column])
    assert 0.1 < len(validation) / (len(train) + len(validation)) < 0.25
    splits = own.protocol.splits(fold)
    assert {splits[id] for id in [*train["id"], *validation["id"]]} == {"train"}
    assert set(own.test_ids()) == {id for id in own.test_ids() if splits[id] == "test"}
    assert own.validation_rule is not None and f"{corpus} by {unit}" in own.validation_rule
    assert set(source(emobox, *words, "seed=1").rows("validation")["id"]) == set(validation["id"])


def test_a_fold_with_validation_rows_is_left_alone(store: merdata.Store) -> None:
    own = source(store)
    assert own.validation_rule is None
    splits = own.protocol.splits(0)
    assert {splits[id] for id in own.rows("validation")["id"]} == {"validation"}

"""Protocols: tables with a hash, disjoint where they say so, the same whatever the order of rows."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import merdata
from merdata.builder.build import build
from merdata.errors import CorpusNotFound, SplitError, StoreError
from merdata.splits.draft import COLUMNS, Draft, Options, parse_ratios
from merdata.splits.kinds.speaker import split_groups
from merdata.splits.make import KINDS
from merdata.splits.sentences import sentences
from merdata.store.protocol import protocol_path, whole_shards
from merdata.store.store import open_store
from merdata.tables.audit import remarks
from tests.merdata.protocols import make_protocol

Speakers = dict[str, tuple[str | None, str, list[str]]]


def rows_of(speakers: Speakers, corpus: str = "c") -> pd.DataFrame:
    """speaker -> (gender, language, labels of its rows)."""
    rows = [
        {"id": f"{corpus}/{speaker}/{at}", "corpus": corpus, "speaker": speaker}
        | {"gender": gender, "language": language, "label": label, "text": f"sentence {at}"}
        for speaker, (gender, language, labels) in speakers.items()
        for at, label in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def crossed(speakers: int, rows: int = 14) -> pd.DataFrame:
    labels = ["joy", "anger", "sadness", "fear", "neutral", "disgust", "surprise"] * (rows // 7)
    return rows_of({f"{n:02d}": ("male" if n % 2 else "female", "en", labels) for n in range(speakers)})


def speaker_split(rows: pd.DataFrame, seed: int = 0) -> dict[str, str]:
    return split_groups(rows, rows["speaker"], f"{seed} c", both_genders=True) or {}


GENDERS = st.sampled_from(["male", "female", None])
LABELS = st.lists(st.sampled_from(["joy", "anger", "neutral", None]), min_size=1, max_size=6)
SPEAKERS = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=4),
    st.tuples(GENDERS, st.sampled_from(["en", "zh"]), LABELS),
    min_size=1,
    max_size=15,
)
CORPORA = st.dictionaries(st.sampled_from(["one", "two", "three"]), SPEAKERS, min_size=1, max_size=3)
RATIOS = st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.5, 0.25, 0.25), (0.34, 0.33, 0.33)])
FACTS = {name: {"domain": "acted", "split": "speaker"} for name in ("one", "two", "three")}


@settings(max_examples=100, deadline=None)
@given(CORPORA, RATIOS, st.integers(0, 5), st.randoms(use_true_random=False))
def test_no_speaker_on_two_sides_and_the_ratios_within_one(
    corpora: dict[str, Speakers], ratios: tuple[float, float, float], seed: int, random: object
) -> None:
    rows = pd.concat([rows_of(speakers, corpus) for corpus, speakers in corpora.items()], ignore_index=True)
    split = made("mer", rows, Options(seed, ratios)).folds[0]
    assert sorted(split.index) == sorted(rows["id"])
    rows["split"] = rows["id"].map(split)
    for corpus, speakers in corpora.items():
        own = rows[rows["corpus"] == corpus]
        assert (own.groupby("speaker")["split"].nunique() == 1).all()
        if len(speakers) < 3:
            assert set(own["split"]) == {"train"}
            continue
        sizes = own.groupby("split")["speaker"].nunique()
        for part, share in zip(("train", "validation", "test"), ratios, strict=True):
            assert sizes[part] >= 1
            spared = (
                min(ratios[1:]) * len(speakers) < 0.5 and part == "train"
            )  # one each, though half was asked
            assert abs(sizes[part] - share * len(speakers)) <= (2 if spared else 1)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = made("mer", rows.iloc[order], Options(seed, ratios)).folds[0]
    assert make_protocol("a", split, {}).hash == make_protocol("b", again, {}).hash


def made(kind: str, rows: pd.DataFrame, options: Options) -> Draft:
    """A draft as `split` makes it: the rows in the order of their ids."""
    return KINDS[kind].make(rows[list(COLUMNS)].sort_values("id", ignore_index=True), FACTS, options)


@settings(max_examples=60, deadline=None)
@given(SPEAKERS, st.integers(2, 6), st.integers(0, 5))
def test_folds_test_every_row_once(speakers: Speakers, folds: int, seed: int) -> None:
    rows = rows_of(speakers, "one")
    if len(speakers) < folds:
        with pytest.raises(SplitError, match="too few for"):
            made("kfold", rows, Options(seed, folds=folds))
        return
    draft = made("kfold", rows, Options(seed, folds=folds))
    assert list(draft.folds) == list(range(1, folds + 1))
    tested: Counter[str] = Counter()
    for split in draft.folds.values():
        assert sorted(split.index) == sorted(rows["id"])
        tested.update(split.index[split == "test"])
        speaker_of = rows.set_index("id")["speaker"].reindex(split.index)
        sides = {part: set(speaker_of[split == part]) for part in ("train", "validation", "test")}
        assert not sides["test"] & (sides["train"] | sides["validation"])
        assert folds == 2 or not sides["train"] & sides["validation"]
    assert set(tested.values()) == {1}


@settings(max_examples=50, deadline=None)
@given(SPEAKERS, st.integers(0, 5))
def test_sentences_of_test_are_new(speakers: Speakers, seed: int) -> None:
    rows = rows_of(speakers, "one")
    draft = made("text", rows, Options(seed))
    split = draft.folds[0]
    if rows["text"].nunique() < 3:
        assert set(split) == {"train"} and draft.undivided == ["one"] and "fewer than the 3" in draft.notes[0]
        return
    said = rows.set_index("id")["text"].reindex(split.index)
    assert (split.groupby(said).nunique() == 1).all()
    assert set(split) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("speakers", "train", "held_out"), [(3, 1, 1), (5, 3, 1), (6, 2, 2), (24, 20, 2), (91, 73, 9)]
)
def test_sizes_follow_the_ratios(speakers: int, train: int, held_out: int) -> None:
    sizes = Counter(speaker_split(crossed(speakers)).values())
    assert sizes == {"train": train, "validation": held_out, "test": held_out}


@pytest.mark.parametrize("speakers", [6, 24, 48])
@pytest.mark.parametrize("seed", range(3))
def test_genders_are_balanced(speakers: int, seed: int) -> None:
    split_of = speaker_split(crossed(speakers), seed)
    for split in ("validation", "test"):
        genders = Counter(int(name) % 2 for name, at in split_of.items() if at == split)
        assert abs(genders[0] - genders[1]) <= 1


def test_labels_are_balanced() -> None:
    speakers = {f"{n:02d}": ("male", "en", ["joy"] * 20 if n % 2 else ["anger"] * 20) for n in range(20)}
    split_of = speaker_split(rows_of(speakers))
    for split in ("validation", "test"):
        assert {int(name) % 2 for name, at in split_of.items() if at == split} == {0, 1}


def test_no_split_lacks_a_class_that_a_choice_of_speakers_could_give_it() -> None:
    rare = {f"{n:02d}": ("male", "en", ["joy", *(["fear"] if n in (3, 7, 11) else [])]) for n in range(12)}
    rows = rows_of(rare)
    split_of = speaker_split(rows)
    assert set(rows.loc[rows["label"] == "fear", "speaker"].map(split_of)) == {"train", "validation", "test"}


def test_seeds_differ_and_repeat() -> None:
    rows = crossed(24)
    assert speaker_split(rows, 1) == speaker_split(rows, 1)
    assert speaker_split(rows, 1) != speaker_split(rows, 2)


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
        f"all its {(rows['corpus'] == 'tess').sum()} rows are in train",
        *(note for note in protocol.properties["notes"][1:] if " has no " in note),
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
    assert sorted(shard.relative for shards in parts[0].values() for shard in shards) == sorted(
        shard.relative for shard in store.shards()
    )
    ids = sorted(id for ids in store.ids.values() for id in ids)
    cut = make_protocol("cut", {id: "train" if n % 2 else "test" for n, id in enumerate(ids)}, {})
    assert whole_shards(store, cut) == {}


def test_a_protocol_outlives_nothing_it_did_not_see(corpora: Path, tmp_path: Path) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    merdata.split(tmp_path / "store")
    report = build(["tess"], corpora / "tess", tmp_path / "store")
    assert report.outdated == ["mer"]
    with pytest.raises(SplitError, match="as with `merdata split"):
        merdata.load_protocol(open_store(tmp_path / "store"), "mer")
    merdata.split(tmp_path / "store")
    assert merdata.load_protocol(open_store(tmp_path / "store"), "mer").hash


def test_faults_are_sentences(store: merdata.Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a store"):
        merdata.split(tmp_path)
    with pytest.raises(SplitError, match=r"no kind of protocol 'mre' \(did you mean 'mer'\?\)"):
        merdata.split(store, "mre")
    with pytest.raises(SplitError, match="has no protocol 'x'; it has mer"):
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


def notes_of(protocol: merdata.Protocol, start: str) -> list[str]:
    return [note for note in protocol.properties["notes"] if note.startswith(start)]


@pytest.fixture(scope="module")
def own(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """A store of one's own to put protocols into."""
    return open_store(shutil.copytree(store.path, tmp_path_factory.mktemp("splits") / "store"))


def frame(store: merdata.Store, protocol: merdata.Protocol) -> pd.DataFrame:
    """The table of a protocol with what the rows say."""
    columns = ["id", "corpus", "speaker", "session", "dialogue", "prompt", "text", "label", "official_split"]
    return protocol.table.to_pandas().merge(store.rows(columns).select(columns).to_pandas(), on="id")


def test_iemocap_by_session(own: merdata.Store) -> None:
    made = merdata.split(own, "kfold", corpora=["iemocap"])
    assert (made.name, made.folds) == ("iemocap_session3", [1, 2, 3])  # the miniature has three
    rows = frame(own, made)
    for fold, part in rows.groupby("fold"):
        assert set(part.loc[part["split"] == "test", "session"]) == {f"Ses0{fold}"}
        assert part.loc[part["split"] == "validation", "session"].nunique() == 1
    from datasets import load_dataset

    loaded = load_dataset(str(own.path), "iemocap_session3_fold2")
    assert set(loaded["test"].select_columns("session").to_pandas()["session"]) == {"Ses02"}


def test_iemocap_by_speaker_validates_on_the_partner(own: merdata.Store) -> None:
    made = merdata.split(own, "kfold", corpora=["iemocap"], by="speaker", folds=6)
    assert made.name == "iemocap_speaker6"
    for _, part in frame(own, made).groupby("fold"):
        of = {split: set(part.loc[part["split"] == split, "speaker"]) for split in set(part["split"])}
        (tested,), (partner,) = of["test"], of["validation"]
        assert tested[:-1] == partner[:-1] and tested != partner
        assert not {tested, partner} & of["train"]
    with pytest.raises(SplitError, match="share dialogues: use --by session"):
        merdata.split(own, "kfold", corpora=["iemocap"], by="speaker", folds=3)


def test_two_speakers_make_two_folds(own: merdata.Store) -> None:
    made = merdata.split(own, "loso", corpora=["tess"])
    assert made.fold_names == {1: "OAF", 2: "YAF"}
    assert made.splits("YAF") == made.splits(2)
    for _, part in frame(own, made).groupby("fold"):
        of = {split: set(part.loc[part["split"] == split, "speaker"]) for split in set(part["split"])}
        assert of["train"] == of["validation"] and not of["test"] & of["train"]
        said = {split: set(part.loc[part["split"] == split, "prompt"]) for split in ("train", "validation")}
        assert not said["train"] & said["validation"]
    assert notes_of(made, "two folds of tess")


def test_loco_keeps_the_held_out_corpus_out(own: merdata.Store) -> None:
    made = merdata.split(own, "loco")
    rows = frame(own, made)
    for fold, name in made.fold_names.items():
        part = rows[rows["fold"] == fold]
        assert set(part.loc[part["split"] == "test", "corpus"]) == {name}
        assert name not in set(part.loc[part["split"] != "test", "corpus"])
        assert (part["corpus"] == name).sum() == len(own.rows(["id"], [name]))
    from datasets import load_dataset

    assert set(
        load_dataset(str(own.path), "loco_esd")["test"].select_columns("corpus").to_pandas()["corpus"]
    ) == {"esd"}
    assert set(merdata.load(own, protocol="loco", fold="esd", decode=False)["test"]["corpus"]) == {"esd"}


def test_new_speakers_with_new_sentences(own: merdata.Store) -> None:
    made = merdata.split(own, "speaker+text", corpora=["cremad"])
    rows = frame(own, made)
    of = {split: rows[rows["split"] == split] for split in ("train", "validation", "test")}
    for column in ("speaker", "text"):
        assert not set(of["test"][column]) & set(of["train"][column])
        assert not set(of["validation"][column]) & set(of["train"][column])
    assert len(rows) < len(own.rows(["id"], ["cremad"]))
    assert notes_of(made, f"{len(own.rows(['id'], ['cremad'])) - len(rows):,} rows of cremad")


def test_rows_that_share_a_prompt_or_a_text_say_the_same_sentence() -> None:
    rows = pd.DataFrame(
        [
            ("Oh, NO!", None),
            ("oh no", None),
            (None, "p1"),
            ("...", "p2"),
            ("Was it his birthday?", "p3"),
            ("Was it his brithday?", "p3"),
            ("was it his birthday", "p4"),
            (None, "p4"),
            (None, None),
        ],
        columns=["text", "prompt"],
        dtype=object,
    )
    birthday = "was it his birthday"
    said = [None if pd.isna(sentence) else sentence for sentence in sentences(rows)]
    assert said == ["oh no", "oh no", "p1", "p2", *[birthday] * 4, None]


def test_a_typing_error_does_not_take_a_prompt_apart() -> None:
    """ESD's prompt en-057 has two spellings among its rows, half of the speakers each."""
    said = [f"sentence number {number}" for number in range(30)]
    rows = pd.concat(
        rows_of({f"{speaker:02d}": (None, "en", ["joy", "anger", None] * 10)}, "one").assign(
            text=[text.replace("7", "7x") if speaker % 2 else text for text in said],
            prompt=[f"en-{number:03d}" for number in range(30)],
        )
        for speaker in range(6)
    )
    for kind in ("text", "speaker+text"):
        draft = made(kind, rows, Options())
        prompt = rows.set_index("id")["prompt"].reindex(draft.folds[0].index)
        assert (draft.folds[0].groupby(prompt).nunique() == 1).all()
        assert {"text-disjoint", "prompt-disjoint"} <= draft.claims.keys()


def test_published_splits(own: merdata.Store) -> None:
    made = merdata.split(own, "official")
    rows = frame(own, made)
    assert set(rows["corpus"]) == {"esd", "meld"}
    assert (rows["split"] == rows["official_split"]).all()
    assert "esd" in made.properties["speaker_dependent"]
    with pytest.raises(SplitError, match="published without a split: ravdess; --protocol speaker"):
        merdata.split(own, "official", corpora=["ravdess"])


def test_random_rows_keep_the_classes_and_are_flagged(own: merdata.Store) -> None:
    made = merdata.split(own, "random", corpora=["cremad"], ratios=(0.5, 0.25, 0.25))
    assert made.properties["speaker_dependent"] == ["cremad"]
    assert notes_of(made, "rows are drawn at random")
    rows = frame(own, made)
    for _, own_class in rows.groupby("label"):
        assert abs((own_class["split"] == "test").mean() - 0.25) <= 1 / len(own_class)


def test_few_shots_are_nested_shares_of_train(own: merdata.Store) -> None:
    whole = merdata.split(own, "mer", name="whole").splits()
    made = merdata.split(own, "fewshot", corpora=["cremad"])
    assert (made.name, made.folds) == ("cremad_fewshot", [10, 20, 50, 100])
    rows = own.rows(["id", "label"], ["cremad"]).to_pandas().set_index("id")["label"]
    ids = {part: {id for id in rows.index if whole[id] == part} for part in ("train", "validation", "test")}
    smaller: set[str] = set()
    for share in made.folds:
        split = made.splits(share)
        train = {id for id, part in split.items() if part == "train"}
        assert smaller <= train <= ids["train"]
        assert {id for id, part in split.items() if part == "test"} == ids["test"]
        for label in set(rows[list(ids["train"])]):
            of_class = [id for id in ids["train"] if rows[id] == label]
            assert abs(len(train & set(of_class)) - share / 100 * len(of_class)) < 1
            assert train & set(of_class)
        smaller = train
    assert smaller == ids["train"]


def test_a_protocol_without_test_rows_says_so(own: merdata.Store) -> None:
    notes = " ".join(merdata.split(own, corpora=["tess"], name="alone").properties["notes"])
    assert "tess has 2 speakers, fewer than the 3" in notes
    assert "there are no rows in test: nothing trained on this protocol can be scored" in notes
    assert "the nearest protocol that tests is --protocol loso" in notes
    found = merdata.audit(own, "alone", near_audio=False)
    assert "test" in found.empty
    assert "there are no rows in test: nothing trained on this protocol can be scored" in remarks(found)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("speaker", {"corpora": ["tess"]}, "nearest is --protocol loso"),
        ("fewshot", {"corpora": ["tess"]}, "nearest is --protocol loso"),
        ("text", {"corpora": ["ravdess"]}, "nearest is --protocol kfold --by text --folds 2"),
        ("speaker+text", {"corpora": ["tess"]}, r"nearest is --protocol one-speaker\+text"),
        ("one-speaker", {}, "add --corpus NAME"),
        ("one-speaker+text", {"corpora": ["tess"], "folds": 2}, "from 3 folds to one for each sentence"),
        ("kfold", {"corpora": ["emovdb"], "folds": 9}, "use --folds [0-9]"),
        ("kfold", {"corpora": ["emovdb"], "folds": 0}, "--folds must be 2 or more, not 0"),
        ("kfold", {"corpora": ["emovdb"], "folds": 1}, "--folds must be 2 or more, not 1"),
        ("kfold", {"by": "session"}, "have no session: fold by another of speaker, text"),
        ("kfold", {"by": "shoe"}, "--by takes one of speaker, session, text"),
        ("loco", {"corpora": ["esd"]}, "this is only esd"),
        ("loso", {}, "add --corpus NAME"),
        ("mer", {"folds": 3}, "takes no --folds: leave it out, or choose kfold or one-speaker"),
        ("mer", {"ratios": (0.9, 0.2, 0.1)}, "add up to 100, not 90/20/10"),
        ("mer", {"ratios": (0.9, 0.1)}, "percentages of train, validation and test must .*, not 90/10"),
        ("mer", {"name": "../mer"}, "letters, digits"),
    ],
)
def test_impossible_wishes_name_the_nearest_protocol(
    own: merdata.Store, kind: str, options: dict[str, object], message: str
) -> None:
    before = sorted((own.path / "splits").iterdir())
    with pytest.raises(SplitError, match=message):
        merdata.split(own, kind, **options)  # type: ignore[arg-type]
    assert sorted((own.path / "splits").iterdir()) == before


def test_an_unknown_corpus_or_ratio_is_a_sentence(own: merdata.Store) -> None:
    with pytest.raises(CorpusNotFound, match="holds no mosei"):
        merdata.split(own, corpora=["mosei"])
    with pytest.raises(CorpusNotFound, match="no corpus was named"):
        merdata.split(own, corpora=[])
    with pytest.raises(SplitError, match="as in 80/10/10, not 'half'"):
        parse_ratios("half")


def test_a_split_of_one_corpus_outlives_the_others(corpora: Path, tmp_path: Path) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    merdata.split(tmp_path / "store", "kfold", corpora=["ravdess"], folds=3)
    build(["tess"], corpora / "tess", tmp_path / "store")
    assert merdata.load_protocol(open_store(tmp_path / "store"), "ravdess_speaker3").folds == [1, 2, 3]


def test_a_class_that_a_split_lacks_is_named(own: merdata.Store) -> None:
    rows = own.rows(["id", "label", "speaker"], ["emovdb"]).to_pandas()
    made = merdata.split(own, "loso", corpora=["emovdb"])
    for fold, speaker in made.fold_names.items():
        lacking = set(rows["label"].dropna()) - set(rows.loc[rows["speaker"] == speaker, "label"])
        for label in lacking:
            notes = [
                note for note in notes_of(made, "emovdb has no ") if " in test" in note and label in note
            ]
            assert any(str(fold) in note for note in notes)


# Two speakers, 200 words, 7 emotions: TESS in full.
LABELS_OF_TESS = ("anger", "disgust", "fear", "joy", "neutral", "surprise", "sadness")
TWO_SPEAKERS = pd.DataFrame(
    [
        {"id": f"one/{speaker}_{word}_{label}", "corpus": "one", "speaker": speaker, "label": label}
        | {"gender": "female", "language": "en", "prompt": f"{word}", "text": f"Say the word {word}."}
        for speaker in ("OAF", "YAF")
        for word in range(200)
        for label in LABELS_OF_TESS
    ],
    columns=list(COLUMNS),
    dtype=object,
)


def counts(split: pd.Series) -> tuple[int, int, int]:
    by = Counter(split)
    return by["train"], by["validation"], by["test"]


def test_one_speaker_is_trained_on_and_the_other_tested() -> None:
    draft = made("one-speaker", TWO_SPEAKERS, Options())
    assert draft.names == {1: "OAF-to-YAF", 2: "YAF-to-OAF"}
    rows = TWO_SPEAKERS.set_index("id")
    for fold, name in draft.names.items():
        split = draft.folds[fold]
        assert counts(split) == (1_190, 210, 1_400)
        speaker, prompt = rows["speaker"].reindex(split.index), rows["prompt"].reindex(split.index)
        assert set(speaker[split != "test"]) == {name[:3]}
        assert set(speaker[split == "test"]) == {name[-3:]}
        assert not set(prompt[split == "train"]) & set(prompt[split == "validation"])


def test_one_speaker_of_several_is_tested_on_all_the_others() -> None:
    draft = made("one-speaker", rows_of(dict.fromkeys("abc", ("male", "en", ["joy"] * 4)), "one"), Options())
    assert draft.names == {1: "a-to-others", 2: "b-to-others", 3: "c-to-others"}
    assert [counts(split) for split in draft.folds.values()] == [(3, 1, 8)] * 3


def test_a_new_speaker_says_new_words_and_every_row_is_tested_once() -> None:
    draft = made("one-speaker+text", TWO_SPEAKERS, Options())
    assert list(draft.names.values())[4:6] == ["OAF-to-YAF-5", "YAF-to-OAF-1"]
    rows, tested = TWO_SPEAKERS.set_index("id"), Counter[str]()
    for split in draft.folds.values():
        assert counts(split) == (840, 280, 280)
        tested.update(split.index[split == "test"])
        of = {part: rows.loc[split.index[split == part]] for part in ("train", "validation", "test")}
        assert set(of["train"]["speaker"]) == set(of["validation"]["speaker"]) != set(of["test"]["speaker"])
        words = [set(part["prompt"]) for part in of.values()]
        assert sum(map(len, words)) == len(set.union(*words)) == 200
    assert set(tested.values()) == {1}
    assert len(tested) == 2_800


def test_seventy_fifteen_fifteen_at_random() -> None:
    split = made("random", TWO_SPEAKERS, Options(ratios=(0.7, 0.15, 0.15))).folds[0]
    assert counts(split) == (1_960, 420, 420)


def test_the_audit_holds_and_flags_them(own: merdata.Store) -> None:
    """Random rows share speakers and words, one speaker to another words alone, both at once neither."""
    kinds = {"random": {"ratios": (0.7, 0.15, 0.15)}, "one-speaker": {}, "one-speaker+text": {"folds": 3}}
    protocols = {
        kind: merdata.split(own, kind, corpora=["tess"], **options)  # type: ignore[arg-type]
        for kind, options in kinds.items()
    }
    shared = {}
    for kind, protocol in protocols.items():
        audited = merdata.audit(own, protocol.name, near_audio=False)
        assert not audited.broken
        findings = [one for one in audited.findings if one.evaluation == "test" and one.rows]
        shared[kind] = {one.shared for one in findings} & {"speaker", "text", "prompt"}
    assert shared["random"] == {"speaker", "text", "prompt"}
    assert shared["one-speaker"] == {"text", "prompt"}
    assert shared["one-speaker+text"] == set()
    assert protocols["random"].properties["speaker_dependent"] == ["tess"]
    assert merdata.load_protocol(own, "tess_one-speaker").splits("OAF-to-YAF")


def test_few_shots_of_one_corpus_beside_the_whole_of_another() -> None:
    speakers = {f"{number:02d}": ("male", "en", ["joy", "anger"] * 10) for number in range(10)}
    rows = pd.concat([rows_of(speakers, "one"), rows_of(speakers, "two")], ignore_index=True)
    default = made("mer", rows, Options()).folds[0]
    draft = made("fewshot", rows, Options(whole=["two"]))
    for share, split in draft.folds.items():
        beside, cut = split[split.index.str.startswith("two/")], split[split.index.str.startswith("one/")]
        assert beside.to_dict() == {id: part for id, part in default.items() if id.startswith("two/")}
        assert counts(cut)[0] == default[cut.index].eq("train").sum() == round(share / 100 * 160)
    with pytest.raises(SplitError, match="name it with --corpus, beside --whole"):
        made("fewshot", rows, Options(whole=["one", "two"]))

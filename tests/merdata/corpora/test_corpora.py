"""The contract that every corpus keeps, and what is particular to each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merdata.corpora.corpus import Corpus
from merdata.corpora.meld import clean
from merdata.corpora.miniature import write_corpus
from merdata.corpora.registry import get_corpus, present, read_corpus, registry
from merdata.corpora.tree import Tree, parse_csv
from merdata.errors import CorpusNotFound, LayoutError, OptionError
from merdata.utterance import Utterance

CORPORA = list(registry().values())
each = pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    for corpus in CORPORA:
        write_corpus(corpus.name, folder / corpus.name, speakers=2)
    return folder


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def by_id(corpus: str, root: Path) -> dict[str, Utterance]:
    return {row.id: row for row in get_corpus(corpus).utterances(root)}


# The contract, for every corpus of the registry


@each
def test_facts_are_complete(corpus: Corpus) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*", corpus.name)
    assert corpus.title
    assert corpus.layout
    assert corpus.licence
    assert corpus.homepage.startswith("https://")
    assert corpus.domain in {"acted", "conversational"}
    assert corpus.expected_rows > 0
    assert all(re.fullmatch(r"[a-z]{2,3}", language) for language in corpus.languages)  # ISO 639


@each
def test_card_names_the_essentials(corpus: Corpus) -> None:
    for word in ("licence", "layout", "transcript", "defect", "citation"):
        assert word in corpus.card.lower()


@each
def test_defects_have_ids_notes_and_evidence(corpus: Corpus) -> None:
    for entry in corpus.defects:
        assert set(entry) <= {"defect", "ids", "note", "evidence", "applies_to"}
        assert re.fullmatch(r"[a-z0-9-]+", entry["defect"])
        assert entry["ids"]
        assert len(set(entry["ids"])) == len(entry["ids"])
        assert entry["note"]
        assert entry["evidence"]


@each
def test_miniature_gives_rows_of_the_contract(corpus: Corpus, miniatures: Path) -> None:
    rows = [row for row in corpus.utterances(miniatures / corpus.name) if row.excluded is None]
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.id.startswith(f"{corpus.name}/")
        assert row.corpus == corpus.name
        assert row.raw_label in corpus.targets
        assert row.language in corpus.languages
        assert row.speaker
        assert row.text or any(note.startswith("text:") for note in row.notes)
        assert row.source is None or (miniatures / corpus.name / row.source).is_file()
        assert row.gender in {"male", "female", None}
        assert row.official_split in {"train", "validation", "test", None}
        assert (row.dialogue is None) == (row.turn is None)


@each
def test_miniature_has_every_label(corpus: Corpus, miniatures: Path) -> None:
    rows = corpus.utterances(miniatures / corpus.name)
    assert {row.raw_label for row in rows if row.excluded is None} == set(corpus.targets)


@each
def test_rows_do_not_depend_on_where_the_folder_lies(
    corpus: Corpus, miniatures: Path, tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(miniatures / corpus.name)
    assert corpus.utterances(link) == corpus.utterances(miniatures / corpus.name)


@each
def test_no_folder_empty_folder_other_corpus(corpus: Corpus, miniatures: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFound, match="there is no folder"):
        corpus.utterances(tmp_path / "nowhere")
    with pytest.raises(LayoutError, match="an empty folder"):
        corpus.utterances(tmp_path)
    other = next(name for name in registry() if name != corpus.name)
    with pytest.raises(LayoutError, match=f"try --corpus {other}"):
        read_corpus(corpus, miniatures / other, {})


@each
@given(data=st.data())
def test_file_names_are_parsed_or_passed_over(corpus: Corpus, data: st.DataObject) -> None:
    """Made-up and mutated names: read right or not at all; nothing raises."""
    name = data.draw(st.one_of(st.from_regex(corpus.file_name, fullmatch=True), st.text(min_size=1)))
    at = data.draw(st.integers(0, len(name)))
    name = name[:at] + data.draw(st.sampled_from(["", "_", "0", "\n", "é"])) + name[at:]
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        return
    from pathlib import PurePosixPath

    tree = Tree(Path("/nowhere"), (PurePosixPath("folder") / name,))
    for row in corpus.read(tree):
        assert row.source in {None, f"folder/{name}"}
        assert row.raw_label in corpus.targets or row.excluded


# The registry


def test_names_are_forgiving_and_mistakes_are_answered() -> None:
    assert get_corpus("CREMA-D").name == get_corpus("cremad").name == "cremad"
    with pytest.raises(CorpusNotFound, match="did you mean 'ravdess'"):
        get_corpus("ravdes")


def test_present_lists_folders_by_name(tmp_path: Path) -> None:
    (tmp_path / "tess").mkdir()
    (tmp_path / "unrelated").mkdir()
    assert present(tmp_path) == ["tess"]


# RAVDESS


def test_ravdess_reads_everything_from_the_name(tmp_path: Path) -> None:
    touch(tmp_path, "Actor_08/03-01-06-02-02-01-08.wav")
    row = by_id("ravdess", tmp_path)["ravdess/03-01-06-02-02-01-08"]
    assert (row.raw_label, row.intensity, row.speaker, row.gender) == ("fearful", "strong", "08", "female")
    assert (row.text, row.prompt) == ("Dogs are sitting by the door.", "02")


@pytest.mark.parametrize("folder", ["Actor_01", "audio/Audio_Speech_Actors_01-24/Actor_01", "."])
def test_ravdess_lies_nested_or_flat(folder: str, tmp_path: Path) -> None:
    touch(tmp_path, f"{folder}/03-01-01-01-01-01-01.wav")
    assert list(by_id("ravdess", tmp_path)) == ["ravdess/03-01-01-01-01-01-01"]


def test_ravdess_twice_on_disk_is_kept_once(tmp_path: Path) -> None:
    name = "03-01-01-01-01-01-01.wav"
    touch(tmp_path, f"Actor_01/{name}", f"audio_speech_actors_01-24/Actor_01/{name}")
    rows = by_id("ravdess", tmp_path)
    assert [row.excluded for row in rows.values()] == [None, "duplicate"]


def test_ravdess_song_is_only_in_the_ledger(tmp_path: Path) -> None:
    touch(tmp_path, "Actor_01/03-01-01-01-01-01-01.wav", "Actor_01/03-02-01-01-01-01-01.wav")
    excluded = [row.excluded for row in by_id("ravdess", tmp_path).values()]
    assert excluded == [None, "song"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/._03-01-01-01-01-02-01.wav",
        "__MACOSX/03-01-02-01-01-02-01.wav",
    )
    assert len(by_id("ravdess", tmp_path)) == 1


# TESS


@pytest.mark.parametrize(
    "folder", [".", "TESS Toronto emotional speech set data/OAF_neutral", "a/a/OAF_neutral"]
)
def test_tess_reads_the_slip_oa_as_oaf(folder: str, tmp_path: Path) -> None:
    touch(tmp_path, f"{folder}/OA_bite_neutral.wav")
    row = by_id("tess", tmp_path)["tess/OAF_bite_neutral"]
    assert (row.speaker, row.text, row.prompt) == ("OAF", "Say the word bite.", "bite")
    assert any("known defect" in note for note in row.notes)


def test_tess_takes_the_emotion_from_the_file(tmp_path: Path) -> None:
    touch(tmp_path, "OAF_Pleasant_surprise/OAF_back_ps.wav", "YAF_pleasant_surprised/YAF_back_ps.wav")
    assert {row.raw_label for row in by_id("tess", tmp_path).values()} == {"ps"}


# CREMA-D


def test_cremad_accepts_the_old_name_and_prefers_wav(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "AudioWAV/1040_ITH_SAD_X.wav",
        "AudioMP3/1001_DFA_ANG_XX.mp3",
        "AudioWAV/1001_DFA_ANG_XX.wav",
    )
    rows = by_id("cremad", tmp_path)
    assert set(rows) == {"cremad/1040_ITH_SAD_XX", "cremad/1001_DFA_ANG_XX"}
    assert rows["cremad/1001_DFA_ANG_XX"].source == "AudioWAV/1001_DFA_ANG_XX.wav"


def test_cremad_levels_genders_and_votes(tmp_path: Path) -> None:
    touch(tmp_path, "AudioWAV/1001_IEO_ANG_MD.wav", "AudioWAV/1002_DFA_ANG_XX.wav")
    (tmp_path / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )
    (tmp_path / "summaryTable.csv").write_text(
        '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
        '"9","1001_IEO_ANG_MD","A:D","37.2:58.6","A","45.5","A","44.2"\n'
    )
    rows = by_id("cremad", tmp_path)
    row = rows["cremad/1001_IEO_ANG_MD"]
    assert (row.gender, row.intensity, row.text) == ("male", "medium", "It's eleven o'clock.")
    assert [(vote.rater, vote.label, vote.level) for vote in row.votes] == [
        ("voice", "ANG", 37.2),
        ("voice", "DIS", 58.6),
        ("face", "ANG", 45.5),
        ("both", "ANG", 44.2),
    ]
    assert rows["cremad/1002_DFA_ANG_XX"].gender is None
    assert any(note.startswith("gender:") for note in rows["cremad/1002_DFA_ANG_XX"].notes)


# MELD

HEAD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\r\n"
)
TIMES = 'positive,{d},{u},1,1,"00:00:01,000","00:00:02,000"\r\n'


def meld_row(text: str, dialogue: int, turn: int, emotion: str = "joy") -> str:
    return f'1,"{text}",Ross,{emotion},' + TIMES.format(d=dialogue, u=turn)


def test_meld_restarts_its_numbers_in_each_split(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}_sent_emo.csv").write_text(HEAD + meld_row(split, 0, 0))
    touch(tmp_path, "train/train_splits/dia0_utt0.mp4", "dev_splits_complete/dia0_utt0.mp4")
    rows = by_id("meld", tmp_path)
    assert {id: row.source for id, row in rows.items()} == {
        "meld/train/dia0_utt0": "train/train_splits/dia0_utt0.mp4",
        "meld/dev/dia0_utt0": "dev_splits_complete/dia0_utt0.mp4",
        "meld/test/dia0_utt0": None,
    }
    assert rows["meld/dev/dia0_utt0"].official_split == "validation"
    assert rows["meld/dev/dia0_utt0"].dialogue == "dev/dia0"


def test_meld_prefers_the_final_cut_and_accounts_for_the_other(tmp_path: Path) -> None:
    (tmp_path / "test_sent_emo.csv").write_text(HEAD + meld_row("Hi", 3, 1))
    folder = "output_repeated_splits_test"
    touch(
        tmp_path,
        f"{folder}/dia3_utt1.mp4",
        f"{folder}/final_videos_testdia3_utt1.mp4",
        f"{folder}/dia9_utt9.mp4",
    )
    rows = by_id("meld", tmp_path)
    assert rows["meld/test/dia3_utt1"].source == f"{folder}/final_videos_testdia3_utt1.mp4"
    strays = {row.source for row in rows.values() if row.excluded == "stray"}
    assert strays == {f"{folder}/dia3_utt1.mp4", f"{folder}/dia9_utt9.mp4"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Don\x92t", "Don\u2019t"),
        ("wait\x85 \x93what\x94", "wait\u2026 \u201cwhat\u201d"),
        ("no\xa0break ", "no break"),
        ("plain\u2019s", "plain\u2019s"),
    ],
)
def test_meld_text_is_repaired(raw: str, text: str) -> None:
    assert clean(raw) == text


@given(st.text())
def test_repairing_text_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_meld_csv_with_c1_controls_keeps_its_rows(tmp_path: Path) -> None:
    body = meld_row("well\x85 so", 0, 0) + meld_row("Don\x92t", 0, 1)
    (tmp_path / "dev_sent_emo.csv").write_text(HEAD + body, encoding="utf-8", newline="")
    rows = by_id("meld", tmp_path)
    assert [row.text for row in rows.values()] == ["well\u2026 so", "Don\u2019t"]
    assert rows["meld/dev/dia0_utt1"].raw_text == "Don\x92t"


def test_meld_csv_in_cp1252_is_read(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_bytes((HEAD + meld_row("Don\u2019t", 0, 0)).encode("cp1252"))
    assert by_id("meld", tmp_path)["meld/dev/dia0_utt0"].text == "Don\u2019t"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n", "has no column Utterance"),
        (b"", "has no column Utterance"),
        (HEAD.encode() + b"1,too,few\r\n", "row 1: not as many cells"),
        (
            HEAD.encode() + meld_row("x", 0, 0).encode().replace(b",0,0,", b",zero,0,"),
            "no number for dialogue",
        ),
        (HEAD.encode() + b'1,"open quote,Ross', "unexpected end of data"),
        (HEAD.encode() + meld_row("x\0y", 0, 0).encode(), "holds NUL characters"),
    ],
)
def test_a_broken_csv_is_one_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_bytes(content)
    with pytest.raises(LayoutError, match=re.escape(says)) as caught:
        get_corpus("meld").utterances(tmp_path)
    assert "train_sent_emo.csv" in str(caught.value)


@given(st.text())
def test_any_text_is_a_csv_or_refused(text: str) -> None:
    try:
        rows = parse_csv(text, ["a"], Path("x.csv"))
    except LayoutError:
        return
    assert all("a" in row for row in rows)


def test_meld_can_take_the_plain_cut(tmp_path: Path) -> None:
    (tmp_path / "test_sent_emo.csv").write_text(HEAD + meld_row("Hi", 3, 1))
    touch(tmp_path, "test/dia3_utt1.mp4", "test/final_videos_testdia3_utt1.mp4")
    sources = {
        cut: get_corpus("meld").utterances(tmp_path, {"cut": cut})[0].source for cut in ("plain", "final")
    }
    assert sources == {"plain": "test/dia3_utt1.mp4", "final": "test/final_videos_testdia3_utt1.mp4"}


@each
def test_an_unknown_option_is_refused(corpus: Corpus, miniatures: Path) -> None:
    with pytest.raises(OptionError, match="has no option 'nonsense'"):
        corpus.utterances(miniatures / corpus.name, {"nonsense": "1"})

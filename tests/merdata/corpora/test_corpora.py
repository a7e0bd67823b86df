"""The contract that every corpus keeps, and what is particular to each."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merdata.corpora.corpus import Corpus
from merdata.corpora.csv_table import parse_csv
from merdata.corpora.meld import clean
from merdata.corpora.miniature import miniatures, write_corpus
from merdata.corpora.registry import get_corpus, passed_over, present, registry, survey_corpus
from merdata.corpora.tree import Tree, split_of
from merdata.corpora.walk import audio_stem
from merdata.errors import CorpusNotFound, LayoutError, OptionError
from merdata.utterance import Utterance

CORPORA = list(registry().values())
each = pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)
# All declared corpora have one reader: these stand for names, tables, folders and capitals.
DECLARED = {"ravdess", "tess", "emozionalmente", "casia"}
READERS = [corpus for corpus in CORPORA if corpus.page is None or corpus.name in DECLARED]
each_reader = pytest.mark.parametrize("corpus", READERS, ids=lambda corpus: corpus.name)


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A corpus's miniature, written when it is asked for; of most declared ones without sound. Read only."""
    folder = tmp_path_factory.mktemp("corpora")

    @cache
    def written(name: str) -> Path:
        plan = registry()[name].sample
        if name in miniatures() or plan is None:
            write_corpus(name, folder / name, speakers=2)
            return folder / name
        for file in plan(0, 2):
            path = folder / name / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"" if audio_stem(path.name) else file.make())
        return folder / name

    return written


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
    assert corpus.homepage.startswith(("https://", "http://"))
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
def test_miniature_gives_rows_of_the_contract(corpus: Corpus, miniature: Callable[[str], Path]) -> None:
    rows = [row for row in corpus.utterances(miniature(corpus.name)) if row.excluded is None]
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.id.startswith(f"{corpus.name}/")
        assert row.corpus == corpus.name
        assert row.raw_label in corpus.targets
        assert row.language in corpus.languages
        assert row.speaker or any(note.startswith("speaker:") for note in row.notes)
        assert row.text or any(note.startswith("text:") for note in row.notes)
        assert row.source is None or (miniature(corpus.name) / row.source).is_file()
        assert row.gender in {"male", "female", None}
        assert row.official_split in {"train", "validation", "test", None}
        assert (row.dialogue is None) == (row.turn is None)


@each
def test_miniature_has_every_label(corpus: Corpus, miniature: Callable[[str], Path]) -> None:
    rows = corpus.utterances(miniature(corpus.name))
    assert {row.raw_label for row in rows if row.excluded is None} == set(corpus.targets)


@each_reader
def test_rows_do_not_depend_on_where_the_folder_lies(
    corpus: Corpus, miniature: Callable[[str], Path], tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(miniature(corpus.name))
    assert corpus.utterances(link) == corpus.utterances(miniature(corpus.name))


@each_reader
def test_no_folder_empty_folder_other_corpus(
    corpus: Corpus, miniature: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(CorpusNotFound, match="does not exist"):
        corpus.utterances(tmp_path / "nowhere")
    with pytest.raises(LayoutError, match="an empty folder"):
        corpus.utterances(tmp_path)
    other = next(name for name in registry() if name != corpus.name)
    with pytest.raises(LayoutError, match=f"try --corpus {other}"):
        survey_corpus(corpus, miniature(other), {})


@each_reader
@settings(deadline=None)  # a table is read at the first name
@given(data=st.data())
def test_file_names_are_parsed_or_passed_over(corpus: Corpus, data: st.DataObject) -> None:
    """Made-up and mutated names: read right or not at all; nothing raises."""
    name = data.draw(st.one_of(st.from_regex(corpus.file_name, fullmatch=True), st.text(min_size=1)))
    at = data.draw(st.integers(0, len(name)))
    name = name[:at] + data.draw(st.sampled_from(["", "_", "0", "\n", "é"])) + name[at:] + ".wav"
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        return
    tree = Tree(Path("/nowhere"), (PurePosixPath("folder") / name,))
    for row in corpus.read(tree):
        assert row.source in {None, f"folder/{name}"}
        unlabelled = row.raw_label is None and any(note.startswith("label:") for note in row.notes)
        assert row.raw_label in corpus.targets or row.excluded or unlabelled


# The registry


def test_names_are_forgiving_and_mistakes_are_answered() -> None:
    assert get_corpus("CREMA-D").name == get_corpus("cremad").name == "cremad"
    with pytest.raises(CorpusNotFound, match="did you mean 'ravdess'"):
        get_corpus("ravdes")


def test_present_lists_folders_by_name(tmp_path: Path) -> None:
    for name in ("TESS", "CREMA-D", "emov_db", "unrelated", ".cache"):
        (tmp_path / name).mkdir()
    assert {name: folder.name for name, folder in present(tmp_path).items()} == {
        "cremad": "CREMA-D",
        "emovdb": "emov_db",
        "tess": "TESS",
    }
    for name in ("MELD.Raw.tar.gz", "ravdess.zip", "mine.csv"):
        (tmp_path / name).touch()
    (tmp_path / "esd").symlink_to(tmp_path / "nowhere")
    assert passed_over(tmp_path) == ["MELD.Raw.tar.gz", "esd", "ravdess.zip", "unrelated"]
    (tmp_path / "tess").mkdir()
    with pytest.raises(CorpusNotFound, match=r"TESS and .*tess are both named after tess"):
        present(tmp_path)


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
    assert any("known defect, file-name-prefix" in note for note in row.notes)


def test_a_defect_of_a_name_is_not_noted_where_the_name_is_right(tmp_path: Path) -> None:
    touch(tmp_path / "tess", "OAF_bite_neutral.wav")
    touch(tmp_path / "cremad", "AudioWAV/1040_ITH_SAD_XX.wav")
    touch(tmp_path / "old", "AudioWAV/1040_ITH_SAD_X.wav")
    assert by_id("tess", tmp_path / "tess")["tess/OAF_bite_neutral"].notes == ()
    for folder, noted in (("cremad", False), ("old", True)):
        row = by_id("cremad", tmp_path / folder)["cremad/1040_ITH_SAD_XX"]
        assert any("old-file-name" in note for note in row.notes) == noted


def test_a_pipe_named_like_a_row_is_not_waited_for(tmp_path: Path) -> None:
    touch(tmp_path, "OAF_bite_neutral.wav")
    os.mkfifo(tmp_path / "OAF_back_angry")
    assert list(by_id("tess", tmp_path)) == ["tess/OAF_bite_neutral"]


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
    assert {id for id, row in rows.items() if not row.excluded} == {
        "cremad/1040_ITH_SAD_XX",
        "cremad/1001_DFA_ANG_XX",
    }
    other = rows["cremad/1001_DFA_ANG_XX@AudioMP3/1001_DFA_ANG_XX.mp3"]
    assert other.notes == ("another format of AudioWAV/1001_DFA_ANG_XX.wav, which is kept",)
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


def test_cremad_takes_other_words_for_a_sex_or_says_what_it_does_not_know(tmp_path: Path) -> None:
    names = [f"AudioWAV/{actor}_DFA_ANG_XX.wav" for actor in range(1001, 1006)]
    touch(tmp_path, *names)
    (tmp_path / "VideoDemographics.csv").write_text("ActorID,Sex\n1001,M\n1002,f\n1003, FEMALE\n1004,1\n")
    rows = by_id("cremad", tmp_path)
    assert [rows[f"cremad/{actor}_DFA_ANG_XX"].gender for actor in range(1001, 1006)] == [
        *("male", "female", "female", None, None)
    ]
    assert rows["cremad/1004_DFA_ANG_XX"].notes == ("gender: VideoDemographics.csv says '1'",)
    (remark,) = (line for line in get_corpus("cremad").survey(tmp_path).remarks if "gender" in line)
    assert remark == "genders that are not male or female, so not stored: 1 rows, 1"
    assert rows["cremad/1005_DFA_ANG_XX"].notes == ("gender: VideoDemographics.csv does not name this actor",)


def test_cremad_has_a_vote_for_each_answer(real_data: Path, tmp_path: Path) -> None:
    """The counts of the public table: by voice alone the acted emotion wins in 3,099 of 7,442 clips."""
    from tests.merdata.corpora.trees import lay_down

    lay_down("cremad", real_data, tmp_path)
    shutil.copy(real_data / "crema-d" / "tabulatedVotes.csv", tmp_path)
    survey = get_corpus("cremad").survey(tmp_path)
    assert survey.remarks == []
    as_acted = heard_neutral = 0
    for row in survey.rows:
        heard = Counter(vote.label for vote in row.votes if vote.rater == "voice")
        (first, most), *others = heard.most_common()
        if not others or others[0][1] < most:
            as_acted += first == row.raw_label
            heard_neutral += first == "NEU"
    assert (len(survey.rows), as_acted, heard_neutral) == (7_442, 3_099, 3_897)


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
    reasons = {row.source: row.notes[0] for row in rows.values() if row.excluded}
    assert "the other cut of test/dia3_utt1" in reasons[f"{folder}/dia3_utt1.mp4"]


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train_splits_wav", "train"),
        ("Train", "train"),
        ("TrainSplits", "train"),
        ("val", "validation"),
        ("DEV", "validation"),
        ("output_repeated_splits_test", "test"),
        ("test/train_and_dev", "test"),
        ("trainers", None),
        ("clips", None),
    ],
)
def test_a_folder_names_a_split_in_many_ways(folder: str, split: str | None) -> None:
    assert split_of(PurePosixPath("MELD") / folder / "dia0_utt0.mp4") == split


def test_meld_names_a_missing_csv_and_what_it_costs(tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(HEAD + meld_row("Hi", 0, 0))
    (tmp_path / "test_sent_emo.csv").write_text(HEAD)
    (tmp_path / "dev_sent_emo (1).csv").write_text(HEAD + meld_row("Hi", 0, 0))
    touch(tmp_path, "dev/dia0_utt0.mp4")
    survey = get_corpus("meld").survey(tmp_path)
    assert survey.remarks == [
        "dev_sent_emo.csv is missing: there is no validation row, and its clips are strays "
        "(is it dev_sent_emo (1).csv? then name it dev_sent_emo.csv)",
        "test_sent_emo.csv has a header but no rows: there is no test row, and its clips are strays",
    ]


def test_meld_empty_cells_are_missing(tmp_path: Path) -> None:
    blank = meld_row(" ", 0, 0).replace(",Ross,joy,", ", ,,")
    (tmp_path / "train_sent_emo.csv").write_text(HEAD + blank + meld_row("None", 0, 1))
    rows = by_id("meld", tmp_path)
    row = rows["meld/train/dia0_utt0"]
    assert (row.text, row.raw_text, row.speaker, row.raw_label) == (None, None, None, None)
    assert row.notes == tuple(f"{what}: empty in train_sent_emo.csv" for what in ("text", "speaker", "label"))
    assert rows["meld/train/dia0_utt1"].text == "None"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I?ve got some news", "question marks inside words"),
        ("Пр?вет", "question marks inside words"),
        ("?Hola, ni\u00f1o", "question marks in the place of letters"),
        ("???? ??, ????", "question marks in the place of letters"),
        ("I\ufffdve got news", "replacement characters (U+FFFD)"),
        ("Oh, please!Honey?Really", None),
        ("What?! You?", None),
    ],
)
def test_characters_lost_in_a_copy_are_noted(text: str, why: str | None, tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(HEAD + meld_row(text, 0, 0))
    (row,) = by_id("meld", tmp_path).values()
    expected = f"damaged: {why} show that characters of the text were lost in this copy"
    assert row.notes == ((expected,) if why else ())
    assert row.text == text


def test_utf8_read_as_cp1252_is_repaired_and_said(tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(HEAD + meld_row("Don\u00e2\u20ac\u2122t", 0, 0))
    (row,) = by_id("meld", tmp_path).values()
    assert (row.text, row.raw_text) == ("Don\u2019t", "Don\u00e2\u20ac\u2122t")
    assert row.notes == ("repaired: its UTF-8 had been read as cp1252",)


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
    row = by_id("meld", tmp_path)["meld/dev/dia0_utt0"]
    assert row.text == "Don\u2019t"
    assert row.notes == ("encoding: dev_sent_emo.csv is cp1252, not UTF-8",)


@pytest.mark.parametrize("encoding", ["gb18030", "cp1252", "big5", "cp932", "utf-16", "utf-32"])
def test_meld_saved_again_in_another_encoding_says_the_same(
    encoding: str, real_data: Path, tmp_path: Path
) -> None:
    """The official csv of the test split; saved as GBK it once read `you¡¯re`."""
    official = (real_data / "meld" / "test_sent_emo.csv").read_text("utf-8")
    text = official.encode(encoding, "ignore").decode(encoding)  # without letters that the encoding has not
    (tmp_path / "test_sent_emo.csv").write_text(text, "utf-8", newline="")
    clean_rows = [row.text for row in by_id("meld", tmp_path).values()]
    (tmp_path / "test_sent_emo.csv").write_bytes(text.encode(encoding))
    rows = by_id("meld", tmp_path).values()
    assert [row.text for row in rows] == clean_rows
    assert all(f"test_sent_emo.csv is {encoding}" in row.notes[0] for row in rows)


def test_an_encoding_that_cannot_be_told_is_refused_and_an_option_settles_it(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_bytes((HEAD + meld_row("\u00c9mile", 0, 0)).encode("cp1252"))
    with pytest.raises(LayoutError, match=r"dev_sent_emo\.csv.*--option meld\.encoding=NAME"):
        get_corpus("meld").utterances(tmp_path)
    (row,) = get_corpus("meld").utterances(tmp_path, {"encoding": "cp1252"})
    assert row.text == "\u00c9mile"
    with pytest.raises(OptionError, match="unknown encoding"):
        get_corpus("meld").utterances(tmp_path, {"encoding": "klingon"})


def test_two_csv_files_of_a_name_that_differ_are_refused(tmp_path: Path) -> None:
    for folder, text in (("a", "Hi"), ("b", "Ho")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "dev_sent_emo.csv").write_text(HEAD + meld_row(text, 0, 0))
    with pytest.raises(LayoutError, match=r"a/dev_sent_emo\.csv and b/dev_sent_emo\.csv differ"):
        get_corpus("meld").utterances(tmp_path)
    (row,) = get_corpus("meld").utterances(tmp_path, {"prefer": "b"})
    assert row.text == "Ho"


def test_semicolons_order_and_case_of_columns_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_text(
        "utterance_id;DIALOGUE_ID; Emotion;Speaker;Utterance;;\n1.0;0;joy;Ross;Hi, you;;\n"
    )
    (row,) = by_id("meld", tmp_path).values()
    assert (row.id, row.text, row.raw_label) == ("meld/dev/dia0_utt1", "Hi, you", "joy")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n", "has no column Utterance"),
        (b"", "has no column Utterance"),
        (HEAD.encode() + b"1,too,few\r\n", "row 1: 3 cells, where the header has 11 columns"),
        (
            HEAD.encode() + meld_row("x", 0, 0).encode().replace(b",0,0,", b",zero,0,"),
            "row 1, column Dialogue_ID: 'zero' is not a whole number",
        ),
        (
            HEAD.encode() + b'1,"open quote,Ross',
            'row 1, line 2: a cell begins with " and does not end with one',
        ),
        (HEAD.encode() + meld_row("x\0\0y", 0, 0).encode(), "holds NUL characters"),
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
        rows = parse_csv(text, ["a"], "x.csv")
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


@each_reader
def test_an_unknown_option_is_refused(corpus: Corpus, miniature: Callable[[str], Path]) -> None:
    with pytest.raises(OptionError, match="has no option 'nonsense'"):
        corpus.utterances(miniature(corpus.name), {"nonsense": "1"})

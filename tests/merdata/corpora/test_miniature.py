"""The miniature corpora: the same bytes for the same seed, real names, the planted defects."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from merdata.corpora.meld import sample as meld
from merdata.corpora.miniature import MARK, miniatures, write_corpus
from merdata.corpora.registry import get_corpus
from merdata.errors import CorpusNotFound, MerdataError
from merdata.sample.voice import EMOTIONS, Samples

NAMES = {
    "ravdess": r"Actor_(\d\d)/03-01-(01-01|0[2-8]-0[12])-0[12]-0[12]-\1\.wav",
    "tess": r"TESS Toronto emotional speech set data/(OAF|YAF)_\w+/(OAF|YAF|OA)_[a-z]+_"
    r"(angry|disgust|fear|happy|neutral|ps|sad)\.wav",
    "cremad": r"AudioWAV/1\d{3}_(IEO_(NEU_XX|(ANG|DIS|FEA|HAP|SAD)_(LO|MD|HI))"
    r"|(TIE|IOM|MTI|WSI)_(ANG|DIS|FEA|HAP|NEU|SAD)_XX)\.wav"
    r"|VideoDemographics\.csv|processedResults/(summaryTable|tabulatedVotes)\.csv",
    "meld": r"(train/train_splits|dev/dev_splits_complete|test/output_repeated_splits_test)"
    r"/dia\d+_utt\d+\.mp4|(train|dev|test)_sent_emo\.csv",
    "esd": r"Emotional Speech Dataset \(ESD\)/(ReadMe\.txt|(00(0[1-9]|1\d|20))/(\2\.txt"
    r"|(Angry|Happy|Neutral|Sad|Surprise)/(train|evaluation|test)/\2_00[01]\d{3}\.wav))",
    "mead": r"[MW]\d{3}/(audio/(angry|contempt|disgusted|fear|happy|neutral|sad|surprised)/level_[123]"
    r"/\d{3}\.m4a|video/front/angry/level_1/001\.mp4)",
    "iemocap": r"Session[1-5]/(sentences/wav/(Ses0[1-5][FM]_\w+)/\2_[FM]\d{3}\.wav"
    r"|dialog/(transcriptions|EmoEvaluation(/Categorical)?)/(\._)?Ses0[1-5][FM]_\w+\.txt)",
    "emovdb": r"cmuarctic\.data|(bea|jenie|josh|sam)_(Amused|Angry|Disgusted|Neutral|Sleepy)"
    r"/(amused|anger|[Dd]isgust|[Nn]eutral|sleepiness)_\d+[-_]\d+_\d{4}\.wav",
}
EXPECTED = {"ravdess": 8 * 30 + 4, "tess": 2 * 7 * 10, "cremad": 8 * 40 + 3}
each = pytest.mark.parametrize("name", miniatures())


def tree(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file by its path, without the mark."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != MARK)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


# Determinism


@each
def test_the_same_seed_gives_the_same_bytes(name: str, thin_corpora: Path, tmp_path: Path) -> None:
    written = write_corpus(name, tmp_path, speakers=1)
    assert written == len(tree(tmp_path))
    assert tree(tmp_path) == tree(thin_corpora / name)


@each
def test_another_seed_gives_other_speech(name: str, corpora: Path, tmp_path: Path) -> None:
    write_corpus(name, tmp_path, seed=1, speakers=1)
    ours, theirs = tree(corpora / name), tree(tmp_path)
    differ = {path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path]}
    audio = {path for path in ours.keys() & theirs.keys() if path.endswith((".wav", ".m4a", ".mp4"))}
    silent = {"AudioWAV/1076_MTI_SAD_XX.wav", "M003/video/front/angry/level_1/001.mp4"}  # in any seed
    assert audio - differ <= silent


@pytest.mark.parametrize("name", ["ravdess", "tess"])
def test_fewer_speakers_have_the_same_files(name: str, corpora: Path, thin_corpora: Path) -> None:
    assert tree(thin_corpora / name).items() < tree(corpora / name).items()


# Layouts


@each
def test_names_are_those_of_the_real_corpus(name: str, corpora: Path) -> None:
    paths = tree(corpora / name)
    assert len(paths) == EXPECTED.get(name, len(paths))
    assert [path for path in paths if not re.fullmatch(NAMES[name], path)] == []


def test_tess_has_the_fourteen_folders(corpora: Path) -> None:
    (top,) = (path for path in (corpora / "tess").iterdir() if path.is_dir())
    assert sorted(path.name for path in top.iterdir()) == [
        *("OAF_Fear", "OAF_Pleasant_surprise", "OAF_Sad"),
        *("OAF_angry", "OAF_disgust", "OAF_happy", "OAF_neutral"),
        *("YAF_angry", "YAF_disgust", "YAF_fear", "YAF_happy", "YAF_neutral"),
        *("YAF_pleasant_surprised", "YAF_sad"),
    ]


def test_tables_look_as_in_the_repository_of_cremad(corpora: Path) -> None:
    people = (corpora / "cremad/VideoDemographics.csv").read_bytes().splitlines()
    assert people[0] == b'"ActorID","Age","Sex","Race","Ethnicity"'
    assert len(people) == 9
    person = rb'1\d{3},\d\d,"(Fem|M)ale","[\w ]+","(Not )?Hispanic"'
    assert all(re.fullmatch(person, line) for line in people[1:])
    votes = (corpora / "cremad/processedResults/summaryTable.csv").read_bytes().splitlines()
    one = rb'"[ADFHNS]","[\d.]+"'
    tie = rb'"[ADFHNS]:[ADFHNS]","\d+\.\d\d:\d+\.\d\d"'
    row = rb'"\d+","1\d{3}_\w+"(,(%b|%b)){3}' % (one, tie)
    assert all(re.fullmatch(row, line) for line in votes[1:])
    assert any(b":" in line for line in votes[1:])
    counts = (corpora / "cremad/processedResults/tabulatedVotes.csv").read_bytes().splitlines()
    assert counts[0].startswith(
        b'"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote",'
    )
    assert len(counts) - 1 == 3 * (len(votes) - 1)
    survey = get_corpus("cremad").survey(corpora / "cremad")
    assert survey.remarks == []
    assert all(4 <= len(row.votes) // 3 <= 12 for row in survey.rows)


def test_votes_mostly_agree_with_the_emotion_acted(corpora: Path) -> None:
    with (corpora / "cremad/processedResults/summaryTable.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    agree = [row["FileName"].split("_")[2][0] in row["MultiModalVote"] for row in rows]
    assert 0.75 < float(np.mean(agree)) < 1


# Planted defects


def channels_and_rate(path: Path) -> tuple[int, int, str]:
    info = soundfile.info(path)
    return info.channels, info.samplerate, info.format


def test_defects_of_ravdess(corpora: Path) -> None:
    files = {path.stem: path for path in (corpora / "ravdess").rglob("*.wav")}
    stereo = {name for name, path in files.items() if channels_and_rate(path)[0] == 2}
    assert stereo == {"03-01-02-01-01-02-01", "03-01-08-01-02-02-01", "03-01-02-01-02-02-05"}
    assert {channels_and_rate(path)[1:] for path in files.values()} == {(48_000, "WAV")}
    counts = Counter(tree(corpora / "ravdess").values())
    assert Counter(counts.values()) == {1: 242, 2: 1}
    pair = (files["03-01-03-01-02-01-07"], files["03-01-03-01-02-02-07"])
    assert pair[0].read_bytes() == pair[1].read_bytes()


def test_defects_of_tess(corpora: Path) -> None:
    kinds = {path.stem: channels_and_rate(path) for path in (corpora / "tess").rglob("*.wav")}
    assert {name: kind for name, kind in kinds.items() if kind != (1, 24_414, "WAV")} == {
        "OAF_food_fear": (1, 96_000, "WAV"),
        "YAF_germ_angry": (1, 24_414, "AIFF"),
        "YAF_neat_fear": (1, 24_414, "AIFF"),
    }
    assert [name for name in kinds if name.startswith("OA_")] == ["OA_bite_neutral"]
    assert "OAF_bite_neutral" not in kinds


def test_defects_of_cremad(corpora: Path) -> None:
    folder = corpora / "cremad/AudioWAV"
    silent, rate = soundfile.read(folder / "1076_MTI_SAD_XX.wav")
    assert len(silent) / rate == pytest.approx(2.57)
    assert not silent.any()
    twins = (folder / "1006_TIE_HAP_XX.wav", folder / "1006_TIE_NEU_XX.wav")
    assert twins[0].read_bytes() == twins[1].read_bytes()


def rows_of(folder: Path, split: str) -> list[dict[str, str]]:
    text = (folder / f"{split}_sent_emo.csv").read_bytes().decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_defects_of_meld(corpora: Path) -> None:
    folder = corpora / "meld"
    clips = {path for path in tree(folder) if path.endswith(".mp4")}
    promised = {
        f"{where}/dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
        for split, where in {
            "train": "train/train_splits",
            "dev": "dev/dev_splits_complete",
            "test": "test/output_repeated_splits_test",
        }.items()
        for row in rows_of(folder, split)
    }
    assert promised - clips == {"dev/dev_splits_complete/dia110_utt7.mp4"}
    assert clips - promised == {"dev/dev_splits_complete/dia66_utt9.mp4"}
    with pytest.raises(av.FFmpegError):
        av.open(folder / "train/train_splits/dia125_utt3.mp4")


def test_csv_files_of_meld(corpora: Path) -> None:
    folder = corpora / "meld"
    columns = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode"
    for split, end in {"train": "\r\n", "dev": "\n", "test": "\r\n"}.items():
        text = (folder / f"{split}_sent_emo.csv").read_bytes().decode("utf-8")
        assert text.startswith(f"{columns},StartTime,EndTime{end}1,")
        rows = rows_of(folder, split)
        assert text.count(end) == len(rows) + 1
        assert ("\x92" in text, text.count("\x85"), "’" in text) == (
            (True, 1, False) if split == "dev" else (False, 0, True)
        )


def test_every_split_of_meld_has_every_class_and_most_rows_are_neutral() -> None:
    for split in meld.SPLITS:
        for seed in range(5):
            emotions = Counter(turn.emotion for turn in meld.turns_of(split, meld.CAST, seed))
            assert set(emotions) == set(EMOTIONS)
            assert emotions.most_common(1)[0][0] == "neutral"


# Sound


@pytest.mark.parametrize("name", ["ravdess", "tess", "cremad"])
def test_recordings_are_heard_and_never_clip(name: str, corpora: Path) -> None:
    for path in (corpora / name).rglob("*.wav"):
        if path.stem != "1076_MTI_SAD_XX":
            samples, rate = soundfile.read(path)
            assert 0.03 < np.abs(samples).max() < 0.9, path
            assert 0.79 < len(samples) / rate < 2.6


def decoded(path: Path) -> tuple[str, Samples]:
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].sample_rate == 48_000
    return frames[0].layout.name, np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def test_clips_of_meld_are_stereo_or_surround_with_the_speech_in_the_centre(corpora: Path) -> None:
    layouts = Counter[str]()
    for path in sorted((corpora / "meld").glob("[dt]e*/*/*.mp4")):  # in train one is corrupt
        layout, samples = decoded(path)
        layouts[layout] += 1
        levels = np.sqrt(np.mean(samples**2, axis=1))
        assert np.abs(samples).max() < 1
        if layout == "stereo":
            assert levels.min() > 0.01
        else:
            assert levels[2] > 3 * np.delete(levels, 2).max()
    assert set(layouts) == {"stereo", "5.1"}
    assert layouts["stereo"] > 3 * layouts["5.1"]


# Refusals


def test_no_miniature_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFound, match="no corpus is called 'baum'"):
        write_corpus("baum", tmp_path)


def test_a_real_corpus_is_never_overwritten(tmp_path: Path) -> None:
    real = tmp_path / "Actor_01/03-01-01-01-01-01-01.wav"
    real.parent.mkdir()
    real.write_bytes(b"a recording")
    with pytest.raises(MerdataError, match="files that are not a sample"):
        write_corpus("ravdess", tmp_path, speakers=1)
    assert real.read_bytes() == b"a recording"
    assert len(tree(tmp_path)) == 1


def test_a_sample_is_written_again_but_not_mixed_with_another(tmp_path: Path) -> None:
    assert write_corpus("tess", tmp_path, speakers=1) == write_corpus("tess", tmp_path, speakers=1)
    with pytest.raises(MerdataError, match="another sample"):
        write_corpus("tess", tmp_path, seed=1, speakers=1)


def test_no_speakers_are_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(MerdataError, match="one or more"):
        write_corpus("tess", tmp_path, speakers=0)

"""Corpora whose metadata no table can say: M3ED's JSON, MSP-IMPROV's blocks of raters, EESC's TextGrids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from merdata.corpora.registry import get_corpus
from merdata.errors import LayoutError
from merdata.utterance import Utterance


def rows(corpus: str, root: Path) -> dict[str, Utterance]:
    return {row.id.partition("/")[2]: row for row in get_corpus(corpus).utterances(root)}


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def annotation(**turns: dict[str, object]) -> dict[str, object]:
    people = {"A": {"Name": "房似锦"}, "B": {"Name": "徐姑姑"}}
    return {"anjia": {"anjia_1": {"SpeakerInfo": people, "Dialog": turns}}}


def test_m3ed_has_a_row_for_each_annotated_turn(tmp_path: Path) -> None:
    turns = {
        "anjia_1_1": {"Speaker": "A", "Text": "你好。", "EmoAnnotation": {"final_main_emo": "Happy"}},
        "anjia_1_2": {"Speaker": "B", "EmoAnnotation": {"final_main_emo": "Anger"}},
    }
    (tmp_path / "annotation.json").write_text(json.dumps(annotation(**turns)), "utf-8")
    for split, series in {"train": "x\n", "val": "anjia\ny\n", "test": ""}.items():
        (tmp_path / f"movie_list_{split}.txt").write_text(series)
    touch(tmp_path, "modality_speech/A_anjia_1_1.wav", "modality_speech/A_anjia_1_9.wav")
    own = rows("m3ed", tmp_path)
    first, second = own["anjia_1_1"], own["anjia_1_2"]
    assert (first.source, first.text, first.raw_label) == (
        "modality_speech/A_anjia_1_1.wav",
        "你好。",
        "Happy",
    )
    assert (first.speaker, first.dialogue, first.turn) == ("anjia_房似锦", "anjia_1", 1)
    assert (first.official_split, first.shard) == ("validation", "series-anjia")
    assert (second.source, second.text, second.notes) == (None, None, ("text: empty in annotation.json",))
    strays = [row.source for row in own.values() if row.excluded]
    assert strays == ["modality_speech/A_anjia_1_9.wav"]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {"b": 3}}', '{"a": {"b": {"Dialog": {"c": {}}}}}'])
def test_m3ed_with_another_annotation_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "annotation.json").write_text(text)
    touch(tmp_path, "A_anjia_1_1.wav")
    with pytest.raises(LayoutError, match=r"annotation\.json is not the annotation of M3ED"):
        rows("m3ed", tmp_path)


EVALUATION = """UTD-IMPROV-S01A-F02-R-FF01.avi; A; A:3.5; V:1.25; D:4.0 ; N:2.0;
F02_1; Angry; ; A:4.0; V:1.0; D:4.0; N:2.0;
F02_1; Angry; ; A:4.0; V:1.0; D:4.0; N:2.0;

UTD-IMPROV-S20N-M05-S-FM12.avi; X; A:2.0; V:3.0; D:3.0; N:4.0;
"""


def test_mspimprov_takes_what_listeners_heard_together(tmp_path: Path) -> None:
    (tmp_path / "Evaluation.txt").write_text(EVALUATION)
    touch(
        tmp_path,
        "session2/S01A/R/MSP-IMPROV-S01A-F02-R-FF01.wav",
        "session5/S20N/S/MSP-IMPROV-S20N-M05-S-FM12.wav",
        "session5/S20N/P/MSP-IMPROV-S20N-M05-P-FM02.wav",
        "session7/S21N/P/MSP-IMPROV-S21N-M07-P-FM02.wav",
    )
    own = rows("mspimprov", tmp_path)
    assert len(own) == 3
    read = own["MSP-IMPROV-S01A-F02-R-FF01"]
    assert (read.raw_label, read.arousal, read.valence, read.dominance) == ("A", 3.5, 1.25, 4.0)
    assert (read.speaker, read.gender, read.session, read.prompt) == ("F02", "female", "02", "S01")
    improvised = own["MSP-IMPROV-S20N-M05-S-FM12"]
    assert (improvised.raw_label, improvised.gender, improvised.prompt) == ("X", "male", None)
    unheard = own["MSP-IMPROV-S20N-M05-P-FM02"]
    assert unheard.raw_label is None
    assert "label: Evaluation.txt does not name it" in unheard.notes


GRID = """File type = "ooTextFile"
item []:
    item [1]:
        class = "IntervalTier"
        name = "emotion"
        intervals [1]:
            text = ""
        intervals [2]:
            text = "joy"
    item [2]:
        class = "IntervalTier"
        name = "sentence"
        intervals [1]:
            text = "Täna on ""ilus"" ilm."
"""


def test_eesc_reads_the_tiers_of_a_textgrid_in_any_encoding_that_can_be_told(tmp_path: Path) -> None:
    touch(tmp_path, "1.wav", "2.wav", "3.wav", "4.wav")
    (tmp_path / "1.TextGrid").write_text(GRID, "utf-8")
    (tmp_path / "2.TextGrid").write_text(GRID, "utf-16")
    (tmp_path / "3.TextGrid").write_bytes(b"\x00\x00\x00\x00 no text")
    own = rows("eesc", tmp_path)
    assert [own[name].raw_label for name in "1234"] == ["joy", "joy", None, None]
    assert own["1"].text == own["2"].text == 'Täna on "ilus" ilm.'
    assert "label: the encoding of its TextGrid cannot be told" in own["3"].notes
    assert "text: it has no TextGrid" in own["4"].notes
    assert all(row.speaker is None and row.gender == "female" for row in own.values())

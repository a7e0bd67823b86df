"""M3ED in miniature: three series, each with one dialogue of seven turns."""

from __future__ import annotations

import json

from merdata.corpora.m3ed.labels import TARGETS
from merdata.sample.files import File, Line, recording, text_file

SERIES = {"anjia": "train", "huanlesong": "val", "weiyang": "test"}
TEXT = "今天的天气很好。"


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first series; a number of speakers takes as many series."""
    files, annotation = [], {}
    chosen = list(SERIES)[:speakers]
    for series in chosen:
        turns = {f"{series}_1_{turn}": raw for turn, raw in enumerate(TARGETS, start=1)}
        annotation[series] = {
            f"{series}_1": {
                "SpeakerInfo": {side: {"Name": f"{series}{side}"} for side in "AB"},
                "Dialog": {key: _entry(key, raw) for key, raw in turns.items()},
            }
        }
        files += [_recording(series, key, raw, seed) for key, raw in turns.items()]
    for split in ("train", "val", "test"):
        names = "".join(f"{series}\n" for series in chosen if SERIES[series] == split)
        files.append(text_file(f"splitInfo/movie_list_{split}.txt", names))
    return [*files, text_file("annotation.json", json.dumps(annotation, ensure_ascii=False))]


def _side(key: str) -> str:
    return "AB"[int(key[-1]) % 2]


def _entry(key: str, raw: str) -> dict[str, object]:
    return {"Speaker": _side(key), "Text": TEXT, "EmoAnnotation": {"final_main_emo": raw}}


def _recording(series: str, key: str, raw: str, seed: int) -> File:
    side = _side(key)
    line = Line("m3ed", key, f"{series}{side}", "female" if side == "A" else "male", TARGETS[raw], TEXT)
    return recording(f"modality_speech/{side}_{key}.wav", line, seed, 16_000)

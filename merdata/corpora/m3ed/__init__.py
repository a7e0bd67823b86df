"""M3ED: 24,449 utterances in 990 dialogues of 56 Chinese series; rows come from one nested annotation file.

Zhao et al. (2022), ACL, 2022.acl-long.391.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from merdata.corpora.corpus import Corpus, stray
from merdata.corpora.m3ed.labels import TARGETS
from merdata.corpora.m3ed.miniature import plan
from merdata.corpora.terms import Terms
from merdata.corpora.tree import Tree, agreed
from merdata.errors import LayoutError
from merdata.io.outside import parse_json
from merdata.utterance import Utterance

ANNOTATION = "annotation.json"
LISTS = {"train": "movie_list_train.txt", "validation": "movie_list_val.txt", "test": "movie_list_test.txt"}
FILE_NAME = re.compile(r"(?P<side>[AB])_(?P<utterance>.+_\d+_(?P<turn>\d+))")
Json = Mapping[str, Any]


def read(tree: Tree) -> Iterator[Utterance]:
    """One row for each annotated utterance; clips without one enter the ledger.

    Raises:
        LayoutError: the annotation is not as it should be.
    """
    clips: dict[str, list[PurePosixPath]] = {}
    for found, match in tree.matching(FILE_NAME):
        clips.setdefault(match[0], []).append(found)
    path = tree.metadata(ANNOTATION, "nothing says the labels")
    splits, used = _splits(tree), set[str]()
    for series, name, dialogue in _dialogues(tree, path) if path else ():
        for key, entry in dialogue["Dialog"].items():
            clip = f"{entry['Speaker']}_{key}"
            used.add(clip)
            for file in clips.get(clip, [None]):
                yield _utterance(key, entry, file, (series, name, dialogue), splits)
    for clip in sorted(clips.keys() - used) if used else ():
        yield from (stray(file, f"{ANNOTATION} does not name it") for file in clips[clip])


def _dialogues(tree: Tree, path: PurePosixPath) -> Iterator[tuple[str, str, Json]]:
    """Series, name and annotation of each dialogue."""
    try:
        table = parse_json(tree.read_text(path))
        yield from (
            (series, name, dialogue)
            for series, dialogues in table.items()
            for name, dialogue in dialogues.items()
            if all(entry["Speaker"] in dialogue["SpeakerInfo"] for entry in dialogue["Dialog"].values())
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LayoutError(f"{tree.root / path} is not the annotation of M3ED: {error}") from error


def _utterance(
    key: str,
    entry: Json,
    source: PurePosixPath | None,
    place: tuple[str, str, Json],
    splits: Mapping[str, str],
) -> Utterance:
    series, name, dialogue = place
    text = str(entry.get("Text") or "").strip() or None
    label = str(entry.get("EmoAnnotation", {}).get("final_main_emo") or "").strip() or None
    return Utterance(
        id=key,
        source=str(source) if source else None,
        raw_label=label,
        speaker=f"{series}_{dialogue['SpeakerInfo'][entry['Speaker']].get('Name') or entry['Speaker']}",
        shard=f"series-{series}",
        text=text,
        official_split=splits.get(series),
        dialogue=name,
        turn=int(key.rpartition("_")[2]),
        scripted=True,
        notes=() if text else (f"text: empty in {ANNOTATION}",),
    )


def _splits(tree: Tree) -> dict[str, str]:
    """Series -> its part of the published split."""
    listed: list[tuple[str, str]] = []
    for split, name in LISTS.items():
        if path := tree.metadata(name, f"no series is in {split}"):
            listed += ((series, split) for series in tree.read_text(path).split())
    splits, twice = agreed(listed)
    if twice:
        raise LayoutError(f"{tree.root}: two lists of splits have {min(twice)}: delete it from one")
    return splits


CORPUS = Corpus(
    name="m3ed",
    title="M3ED",
    domain="conversational",
    languages=("zh",),
    licence="agreement with the authors; the clips are TV footage without redistribution rights",
    terms=Terms(),
    homepage="https://github.com/AIM3-RUC/RUCM3ED",
    expected_rows=24_449,
    difference="12 of the annotated utterances have no clip",
    targets=TARGETS,
    layout="annotation.json, splitInfo/movie_list_train.txt, modality_speech/A_anjia_11_1.wav ...",
    file_name=FILE_NAME,
    read=read,
    split="official",
    cluster="dialogue",
    sample=plan,
)

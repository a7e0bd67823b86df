"""MELD: 13,708 utterances of Friends in dialogues, with an official split; rows come from three csv files.

Poria et al. (2019), ACL, P19-1050. Dialogue numbers restart in each split, so ids carry the split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from merdata.corpora.corpus import Corpus, StoredRow, stray
from merdata.corpora.csv_table import Row
from merdata.corpora.terms import ATTRIBUTION, NEVER, Terms
from merdata.corpora.tree import Tree, split_of
from merdata.errors import OptionError
from merdata.utterance import Utterance

CSV_FILES = {"train": "train_sent_emo.csv", "dev": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
SHORT = {split: short for short, split in SPLITS.items()}
FILE_NAME = re.compile(
    r"(?P<final>final_videos_test)?dia(?P<dialogue>\d+)_utt(?P<turn>\d+)", re.IGNORECASE | re.ASCII
)
DIALOGUES_A_SHARD = 25  # about 240 utterances, 30 MB
MOJIBAKE = re.compile("[\x80-\x9f]")

Key = tuple[str, int, int]  # split, dialogue, turn
NO_SPLIT = "no folder above it tells its split: put it below train_splits, dev_splits_complete or test"


class Clips(NamedTuple):
    """The files of one clip: of the cut that is wanted, or of the other where there is none of it."""

    taken: list[PurePosixPath]
    others: list[PurePosixPath]


def read(tree: Tree) -> Iterator[Utterance]:
    """One row for each csv row, with its clip where the disk has it; clips without a row enter the ledger."""
    clips = _clips(tree)
    for split, name in CSV_FILES.items():
        cost = f"there is no {SPLITS[split]} row, and its clips are strays"
        path = tree.metadata(name, cost)
        for row in tree.read_csv(path, COLUMNS, cost) if path else []:
            yield from _utterances(split, row, clips, tree.notes_on(path))
    for (split, dialogue, turn), own in sorted(clips.items()):
        why = f"no csv row uses this clip of {split}/dia{dialogue}_utt{turn}" if split in SPLITS else NO_SPLIT
        yield from (stray(path, why, shard=_shard(split, dialogue)) for path in (*own.taken, *own.others))


def _clips(tree: Tree) -> dict[Key, Clips]:
    """Clips by key; the `final_videos_test` cut is the one that fits the csv's times.

    Raises:
        OptionError: the option `cut` is neither final nor plain.
    """
    cut = tree.options.get("cut", "final")
    if cut not in ("final", "plain"):
        raise OptionError(f"meld.cut is final or plain, not {cut!r}")
    clips: dict[Key, Clips] = {}
    for path, match in tree.matching(FILE_NAME):
        key = (SHORT.get(split_of(path) or "", "unknown"), int(match["dialogue"]), int(match["turn"]))
        wanted = bool(match["final"]) == (cut == "final")
        own = clips.setdefault(key, Clips([], []))
        (own.taken if wanted else own.others).append(path)
    return {key: own if own.taken else Clips(own.others, []) for key, own in clips.items()}


def _utterances(split: str, row: Row, clips: dict[Key, Clips], notes: tuple[str, ...]) -> Iterator[Utterance]:
    """A csv row, once for each of the files that claim it."""
    dialogue, turn = row.integer("Dialogue_ID"), row.integer("Utterance_ID")
    own = clips.pop((split, dialogue, turn), Clips([], []))
    text, speaker, label = clean(row["Utterance"]), clean(row["Speaker"]), row["Emotion"].strip().lower()
    empty = {"text": text, "speaker": speaker, "label": label}
    notes = (*(f"{what}: empty in {CSV_FILES[split]}" for what, value in empty.items() if not value), *notes)
    for path in own.taken or (None,):
        yield Utterance(
            id=f"{split}/dia{dialogue}_utt{turn}",
            source=str(path) if path else None,
            raw_label=label or None,
            speaker=speaker or None,
            shard=_shard(split, dialogue),
            text=text or None,
            raw_text=row["Utterance"] if text and row["Utterance"] != text else None,
            official_split=SPLITS[split],
            dialogue=f"{split}/dia{dialogue}",
            turn=turn,
            scripted=True,
            notes=notes,
        )
    why = f"the other cut of {split}/dia{dialogue}_utt{turn}: --option meld.cut chooses"
    yield from (stray(path, why, shard=_shard(split, dialogue)) for path in own.others)


def _shard(split: str, dialogue: int) -> str:
    return f"{split}-{dialogue // DIALOGUES_A_SHARD:02d}"


def clean(text: str) -> str:
    """Undo cp1252 read as Latin-1 (a csv variant in circulation), and no-break spaces."""
    repaired = MOJIBAKE.sub(lambda match: match[0].encode("latin-1").decode("cp1252", "replace"), text)
    return repaired.replace("\xa0", " ").strip()


def emobox_key(row: StoredRow) -> str:
    split, name = PurePosixPath(row.id).parts[-2:]
    return f"meld-{name}-{split}"


CORPUS = Corpus(
    name="meld",
    title="MELD",
    domain="conversational",
    languages=("en",),
    licence="GPL-3.0 (csv files); the clips are TV footage without redistribution rights",
    terms=Terms(public=NEVER, private=ATTRIBUTION, labels=ATTRIBUTION),
    homepage="https://github.com/declare-lab/MELD",
    expected_rows=13_708,
    difference="two csv rows have no playable clip: train/dia125_utt3 (corrupt), dev/dia110_utt7 (absent)",
    targets={label: label for label in ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")},
    options={
        "cut": "which of two copies of a test clip to read: final (default; final_videos_test...) or plain"
    },
    layout="train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv, "
    "train_splits/dia0_utt0.mp4, dev_splits_complete/, output_repeated_splits_test/",
    file_name=FILE_NAME,
    endings=(".mp4",),
    read=read,
    split="official",
    cluster="dialogue",
    limits="MELD is scripted television: there are music and laughter under the speech, and its six regular "
    "speakers, named characters of a series, are in all of its splits, so its test set has no new voices.",
    keys={"emobox": emobox_key},
)

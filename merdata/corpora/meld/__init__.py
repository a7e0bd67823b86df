"""MELD: 13,708 utterances of Friends in dialogues, with an official split; rows come from three csv files.

Poria et al. (2019), ACL, P19-1050. Dialogue numbers restart in each split, so ids carry the split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, StoredRow, stray
from merdata.corpora.terms import ATTRIBUTION, NEVER, Terms
from merdata.corpora.tree import Row, Tree
from merdata.errors import LayoutError, OptionError
from merdata.utterance import Utterance

CSV_FILES = {"train": "train_sent_emo.csv", "dev": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
FOLDERS = {  # the nearest of these above a clip tells its split
    "train_splits": "train",
    "train": "train",
    "dev_splits_complete": "dev",
    "dev_splits": "dev",
    "dev": "dev",
    "output_repeated_splits_test": "test",
    "test_splits": "test",
    "test": "test",
}
FILE_NAME = re.compile(
    r"(?P<final>final_videos_test)?dia(?P<dialogue>\d+)_utt(?P<turn>\d+)\.(?:mp4|wav)", re.IGNORECASE
)
DIALOGUES_A_SHARD = 25  # about 240 utterances, 30 MB
MOJIBAKE = re.compile("[\x80-\x9f]")

Key = tuple[str, int, int]  # split, dialogue, turn


def read(tree: Tree) -> Iterator[Utterance]:
    """One utterance a csv row, with its clip where the disk has it; clips without a row enter the ledger."""
    clips = _clips(tree)
    for split, name in CSV_FILES.items():
        path = tree.named(name)
        for row in tree.read_csv(path, COLUMNS) if path else []:
            yield _utterance(split, row, clips, where=f"{tree.root / name}")
    for (split, dialogue, turn), paths in sorted(clips.items()):
        why = f"no csv row uses this clip of {split}/dia{dialogue}_utt{turn}"
        yield from (stray(path, why, shard=_shard(split, dialogue)) for path in paths)


def _clips(tree: Tree) -> dict[Key, list[PurePosixPath]]:
    """Clips by key, best first: the `final_videos_test` cut is the one that fits the csv's times.

    Raises:
        OptionError: the option `cut` is neither final nor plain.
    """
    if tree.options.get("cut", "final") not in ("final", "plain"):
        raise OptionError(f"meld.cut is final or plain, not {tree.options['cut']!r}")
    clips: dict[Key, list[PurePosixPath]] = {}
    for path, match in tree.matching(FILE_NAME):
        folder = next((name for name in reversed(path.parts[:-1]) if name in FOLDERS), "")
        split = FOLDERS.get(folder, "unknown")
        cuts = clips.setdefault((split, int(match["dialogue"]), int(match["turn"])), [])
        first = bool(match["final"]) == (tree.options.get("cut", "final") == "final")
        cuts.insert(0 if first else len(cuts), path)
    return clips


def _utterance(split: str, row: Row, clips: dict[Key, list[PurePosixPath]], where: str) -> Utterance:
    try:
        dialogue, turn = int(row["Dialogue_ID"]), int(row["Utterance_ID"])
    except ValueError as error:
        raise LayoutError(f"{where}: {row} has no number for dialogue or utterance") from error
    paths = clips.get((split, dialogue, turn), [])
    raw_text, text = row["Utterance"], clean(row["Utterance"])
    return Utterance(
        id=f"{split}/dia{dialogue}_utt{turn}",
        source=str(paths.pop(0)) if paths else None,
        raw_label=row["Emotion"].strip().lower(),
        speaker=clean(row["Speaker"]),
        shard=_shard(split, dialogue),
        text=text,
        raw_text=raw_text if raw_text != text else None,
        official_split=SPLITS[split],
        dialogue=f"{split}/dia{dialogue}",
        turn=turn,
        scripted=True,
    )


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
    options={"cut": "where a test clip lies there twice: final (default; final_videos_test...) or plain"},
    layout="train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv, "
    "train_splits/dia0_utt0.mp4, dev_splits_complete/, output_repeated_splits_test/",
    file_name=FILE_NAME,
    read=read,
    split="official",
    cluster="dialogue",
    limits="MELD is scripted television: there are music and laughter under the speech, and its six regular "
    "speakers, named characters of a series, are in all of its splits, so its test set has no new voices.",
    keys={"emobox": emobox_key},
)

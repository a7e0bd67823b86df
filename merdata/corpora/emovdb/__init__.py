"""EmoV-DB: four speakers read sentences of CMU Arctic, amused, angry, disgusted, sleepy and neutral.

Adigwe et al. (2018), arXiv:1806.09514; SLR115. Emotion and sentence are read from the file name, the
speaker from a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from merdata.corpora.corpus import Corpus, StoredRow, name_of, stray
from merdata.corpora.terms import ATTRIBUTION, GATED, Terms
from merdata.corpora.tree import Tree, agreed
from merdata.errors import LayoutError, OptionError
from merdata.utterance import Utterance

STYLES = {
    "amused": "Amused",
    "anger": "Angry",
    "disgust": "Disgusted",
    "neutral": "Neutral",
    "sleepiness": "Sleepy",
}
GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
NUMBERED = {"1": "bea", "2": "jenie", "3": "josh", "4": "sam"}  # folders of the layout for forced alignment
FOLDER = re.compile(
    rf"(?P<speaker>{'|'.join(GENDERS)})(?:[ _-]*(?:{'|'.join({*STYLES, *STYLES.values()})}))?", re.IGNORECASE
)
FILE_NAME = re.compile(
    rf"(?P<style>{'|'.join(STYLES)})_\d+[-_]\d+_(?P<number>\d{{4}})", re.IGNORECASE | re.ASCII
)
NO_SPEAKER = "no folder above it is named after a speaker (bea, jenie, josh, sam, or 1 to 4)"
PROMPT_FILE = "cmuarctic.data"
PROMPT = re.compile(r'\(\s*arctic_a(?P<number>\d{4})\s+"(?P<text>.*)"\s*\)', re.ASCII)
HOW = "get it from festvox.org (CMU ARCTIC), or pass --option emovdb.prompts=FILE"
NO_PROMPTS = f"text: {PROMPT_FILE} was not found: {HOW}"


def read(tree: Tree) -> Iterator[Utterance]:
    """Files of any of the layouts; those whose speaker no folder tells only enter the ledger."""
    prompts, notes = _prompts(tree)
    for path, match in tree.matching(FILE_NAME):
        speaker, emotion = _speaker(path), STYLES[match["style"].lower()]
        if speaker is None:
            yield stray(path, NO_SPEAKER)
            continue
        text = prompts.get(match["number"])
        unknown = f"text: {PROMPT_FILE} has no arctic_a{match['number']}" if prompts else NO_PROMPTS
        yield Utterance(
            # The whole name: six pairs of files share speaker, emotion and number.
            id=f"{speaker}_{emotion}/{match[0].lower()}",
            source=str(path),
            raw_label=emotion,
            speaker=speaker,
            text=text,
            gender=GENDERS[speaker],
            prompt=f"arctic_a{match['number']}",
            scripted=True,
            notes=notes if text else (unknown,),
        )


def _speaker(path: PurePosixPath) -> str | None:
    """By the nearest folder of a speaker's name, `bea` or `bea_Amused`; or by the folder it is in, `1`."""
    named = next(filter(None, map(FOLDER.fullmatch, path.parts[-2::-1])), None)
    return named["speaker"].lower() if named else NUMBERED.get(path.parent.name)


def _prompts(tree: Tree) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Number -> sentence of CMU Arctic's set a, and notes on their file; nothing if there is none.

    Raises:
        OptionError: the file of the option `prompts` cannot be read or holds no prompts.
        LayoutError: the same of the file in the corpus folder.
    """
    given = tree.options.get("prompts")
    if given is None:
        path = tree.metadata(PROMPT_FILE, f"no row has a text; {HOW}")
        return (_sentences(tree, path), tree.notes_on(path)) if path else ({}, ())
    try:
        path = PurePosixPath(Path(given).expanduser().absolute())
        return _sentences(tree, path), tree.notes_on(path)
    except LayoutError as error:
        raise OptionError(f"emovdb.prompts: {error}") from error


def _sentences(tree: Tree, path: PurePosixPath) -> Mapping[str, str]:
    matches = map(PROMPT.fullmatch, map(str.strip, tree.read_text(path).split("\n")))
    sentences, twice = agreed((match["number"], match["text"].strip()) for match in matches if match)
    if twice:
        raise LayoutError(
            f"{tree.root / path} has two lines for arctic_a{min(twice)} that differ: delete one"
        )
    if not sentences:
        raise LayoutError(f'{tree.root / path} holds no line like ( arctic_a0001 "..." )')
    return sentences


def emobox_key(row: StoredRow) -> str:
    """By folder and number; EmoBox's folder of disgust is called Disgust."""
    emotion = "Disgust" if row.raw_label == "Disgusted" else row.raw_label
    return f"emovdb-{row.speaker}-{emotion}-{name_of(row).rpartition('_')[2]}"


CORPUS = Corpus(
    name="emovdb",
    title="EmoV-DB",
    domain="acted",
    languages=("en",),
    licence="custom, for non-commercial purposes (LICENSE.md of the release)",
    terms=Terms(public=GATED, private=ATTRIBUTION, labels=ATTRIBUTION),
    homepage="https://www.openslr.org/115/",
    expected_rows=6_893,
    difference="lists with 6,887 keep one of each of six pairs of files that share folder and number",
    targets={
        "Amused": "joy",
        "Angry": "anger",
        "Disgusted": "disgust",
        "Neutral": "neutral",
        "Sleepy": None,
    },
    debatable=("Amused", "Sleepy"),
    options={"prompts": f"the file {PROMPT_FILE} of CMU Arctic, where it is not in the corpus folder"},
    layout="bea_Amused/amused_1-15_0001.wav ... sam_Sleepy/ (or bea/Amused/, or 1/ to 4/), cmuarctic.data",
    file_name=FILE_NAME,
    read=read,
    keys={"emobox": emobox_key},
)

"""IEMOCAP in miniature: three sessions of three dialogues, and the junk of real copies."""

from __future__ import annotations

from itertools import cycle, islice
from typing import NamedTuple

from merdata.sample.files import File, Line, recording, text_file

SESSIONS = 3
TURNS = 14
DIALOGUES = ("F_impro01", "M_impro05a", "F_script01_1b")
LABELS = {  # category -> class of the voice, valence, arousal, dominance
    "neu": ("neutral", 3.0, 2.0, 2.5),
    "ang": ("anger", 1.5, 4.0, 4.0),
    "fru": ("anger", 2.0, 3.0, 3.0),
    "hap": ("joy", 4.5, 3.0, 3.0),
    "exc": ("joy", 4.5, 4.0, 3.5),
    "sad": ("sadness", 1.5, 2.0, 2.0),
    "sur": ("surprise", 3.5, 4.0, 3.0),
    "fea": ("fear", 1.5, 4.0, 1.5),
    "dis": ("disgust", 2.0, 3.0, 3.5),
    "xxx": ("neutral", 3.0, 3.0, 3.0),
    "oth": ("neutral", 2.5, 3.0, 2.0),
}
WORDS = {"neu": "Neutral", "ang": "Anger", "fru": "Frustration", "hap": "Happiness", "exc": "Excited"}
LINES = (
    "Excuse me.",
    "[LAUGHTER] I did not think you would come back.",
    "Well, that is what they told me yesterday.",
    "Why don't you ask them yourself? [BREATHING]",
    "We have been waiting here for an hour.",
    "All right, then. I will try it again.",
    "You never listen to what I say.",
)
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02\xff\xfe"


class Turn(NamedTuple):
    """One turn of a dialogue, in the order of speaking."""

    name: str
    label: str
    start: float
    text: str

    @property
    def end(self) -> float:
        return self.start + 2.5


def plan(seed: int, speakers: int | None) -> list[File]:
    """The first sessions, two speakers in each."""
    sessions = range(1, (min(2 * SESSIONS, speakers or 2 * SESSIONS) + 1) // 2 + 1)
    return [file for number in sessions for name in DIALOGUES for file in _dialogue(number, name, seed)]


def _dialogue(session: int, name: str, seed: int) -> list[File]:
    dialogue, folder = f"Ses0{session}{name}", f"Session{session}"
    turns = _turns(session, dialogue)
    tables = f"{folder}/dialog/EmoEvaluation"
    return [
        text_file(f"{tables}/{dialogue}.txt", _evaluation(turns)),
        text_file(f"{tables}/Categorical/{dialogue}_e1_cat.txt", f"{turns[0].name} :Anger; ()\n"),
        File(f"{tables}/._{dialogue}.txt", lambda: APPLE_DOUBLE),
        text_file(f"{folder}/dialog/transcriptions/{dialogue}.txt", _transcript(dialogue, turns)),
        *(_clip(folder, dialogue, turn, seed) for turn in turns),
    ]


def _turns(session: int, dialogue: str) -> list[Turn]:
    """Woman and man in turn; the labels go round, from another start in each dialogue."""
    first = 5 * DIALOGUES.index(dialogue[5:]) + session
    labels = islice(cycle(LABELS), first, first + TURNS)
    return [
        Turn(
            f"{dialogue}_{'FM'[at % 2]}{at // 2:03d}", label, 6.0 + 3.1 * at, LINES[(first + at) % len(LINES)]
        )
        for at, label in enumerate(labels)
    ]


def _clip(folder: str, dialogue: str, turn: Turn, seed: int) -> File:
    voice, *_ = LABELS[turn.label]
    speaker, sex = dialogue[:5] + turn.name[-4], turn.name[-4]
    gender = "female" if sex == "F" else "male"
    line = Line("iemocap", turn.name, speaker, gender, voice, turn.text)
    return recording(f"{folder}/sentences/wav/{dialogue}/{turn.name}.wav", line, seed, 16_000)


def _evaluation(turns: list[Turn]) -> str:
    blocks = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"]
    for turn in turns:
        _, valence, arousal, dominance = LABELS[turn.label]
        word = WORDS.get(turn.label, "Other")
        blocks.append(
            f"[{turn.start:.4f} - {turn.end:.4f}]\t{turn.name}\t{turn.label}"
            f"\t[{valence:.4f}, {arousal:.4f}, {dominance:.4f}]\n"
            f"C-E2:\t{word};\t()\nC-E3:\t{word}; Neutral;\t(not sure)\nC-E4:\t{word};\t()\n"
            f"A-E3:\tval {valence:.0f}; act {arousal:.0f}; dom  {dominance:.0f};\t()\n"
        )
    return "\n".join(blocks)


def _transcript(dialogue: str, turns: list[Turn]) -> str:
    """With an overlap turn and a line without an id, as in the corpus."""
    lines = [f"{turn.name} [{turn.start:08.4f}-{turn.end:08.4f}]: {turn.text}" for turn in turns]
    overlap = f"{dialogue}_MXX0 [{turns[1].start:08.4f}-{turns[1].end:08.4f}]: Okay."
    return "\n".join([*lines[:2], overlap, "M: Sorry.", *lines[2:]]) + "\n"

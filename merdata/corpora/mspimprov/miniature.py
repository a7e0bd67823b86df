"""MSP-IMPROV in miniature: the pairs of the first sessions, a read and an improvised turn of each label."""

from __future__ import annotations

from merdata.sample.files import File, Line, recording, text_file

RATE = 44_100
LABELS = {"A": "anger", "H": "joy", "N": "neutral", "S": "sadness", "O": "surprise", "X": "neutral"}
TEXT = "How can I not?"


def plan(seed: int, speakers: int | None) -> list[File]:
    """The turns of the first speakers and the table of the listeners."""
    chosen = [f"{sex}0{session}" for session in range(1, 5) for sex in "FM"][: speakers or 8]
    clips = [
        (f"S01{label if label in 'AHNS' else 'N'}-{speaker}-{kind}-{speaker[0]}M{turn:02d}", label)
        for speaker in chosen
        for turn, (label, kind) in enumerate(((label, kind) for label in LABELS for kind in "RS"), start=1)
    ]
    rated = "".join(f"UTD-IMPROV-{name}.avi; {label}; A:3.0; V:2.5; D:3.5; N:4.0;\n" for name, label in clips)
    return [*(_recording(*clip, seed) for clip in clips), text_file("Evaluation.txt", rated)]


def _recording(name: str, label: str, seed: int) -> File:
    scenario, speaker, kind, _ = name.split("-")
    path = f"session{speaker[-1]}/{scenario}/{kind}/MSP-IMPROV-{name}.wav"
    gender = "male" if speaker.startswith("M") else "female"
    return recording(path, Line("mspimprov", name, speaker, gender, LABELS[label], TEXT), seed, RATE)

"""TESS in miniature: both actresses, ten of the 200 words, the fourteen folders as spelled."""

from __future__ import annotations

from merdata.sample.files import File, Line, recording

RATE = 24_414
SPEAKERS = ("OAF", "YAF")
WORDS = ("back", "bite", "boat", "book", "food", "germ", "king", "neat", "pool", "road")
EMOTIONS = {  # in file names -> class of the voice
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "joy",
    "neutral": "neutral",
    "ps": "surprise",
    "sad": "sadness",
}
ROOT = "TESS Toronto emotional speech set data"
FOLDERS = {  # where a folder is not called speaker_emotion
    "OAF_fear": "OAF_Fear",
    "OAF_ps": "OAF_Pleasant_surprise",
    "OAF_sad": "OAF_Sad",
    "YAF_ps": "YAF_pleasant_surprised",
}
RENAMED = {"OAF_bite_neutral": "OA_bite_neutral"}
KINDS = {"YAF_germ_angry": "AIFF", "YAF_neat_fear": "AIFF"}
RATES = {"OAF_food_fear": 96_000}


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first, or both, speakers."""
    return [
        _file(speaker, word, emotion, seed)
        for speaker in SPEAKERS[:speakers]
        for emotion in EMOTIONS
        for word in WORDS
    ]


def _file(speaker: str, word: str, emotion: str, seed: int) -> File:
    name, folder = f"{speaker}_{word}_{emotion}", f"{speaker}_{emotion}"
    path = f"{ROOT}/{FOLDERS.get(folder, folder)}/{RENAMED.get(name, name)}.wav"
    line = Line("tess", name, speaker, "female", EMOTIONS[emotion], f"Say the word {word}.", 1.1)
    return recording(path, line, seed, RATES.get(name, RATE), KINDS.get(name, "WAV"))

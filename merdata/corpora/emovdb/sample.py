"""EmoV-DB in miniature: all four speakers, seven sentences, the folders of the unpacked tarballs."""

from __future__ import annotations

from merdata.sample.files import File, Line, pcm16, recording, text_file

SPEAKERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
RATES = {"bea": 44_100}
RATE = 16_000
STYLES = {  # folder -> file name, class of the voice and how strongly it shows
    "Amused": ("amused", "joy", 1.2),
    "Angry": ("anger", "anger", 1.0),
    "Disgusted": ("disgust", "disgust", 1.0),
    "Neutral": ("neutral", "neutral", 1.0),
    "Sleepy": ("sleepiness", "sadness", 0.7),
}
JOSH = ("Amused", "Neutral", "Sleepy")  # recorded no more
SENTENCES = {  # nobody's but ours
    1: "The lamp on the stairs went out before we came home.",
    2: "Nobody had told the captain about the second map.",
    3: "She counted the boats, and then she counted them again.",
    14: "Under the bridge the water was quiet and dark.",
    23: "They sold the old house to a man from the city.",
    24: "Give the dog some bread and close the gate.",
    26: "It was too late to turn back, he said.",
    387: "The snow had covered every trace of the road.",
    407: "Wait here.",
}
COMMON = (1, 2, 3, 14, 23, 24, 26)
CAPITALS = {"bea_Neutral": "Neutral", "sam_Disgusted": "Disgust"}
PLANTED = {  # files whose number is already there, or wrong, and one cut short
    "bea_Angry": ("anger_197-224_0024",),
    "bea_Neutral": ("neutral_113-140_0014",),
    "bea_Sleepy": ("sleepiness_393-420_0407",),
    "josh_Amused": ("amused_197-224_0023", "amused_225_252_0026"),
    "sam_Sleepy": ("sleepiness_281-308_0387", "sleepiness_367-392_0387"),
}
SHORT, SHORT_SECONDS = "sleepiness_393-420_0407", 0.59


def plan(seed: int, speakers: int | None) -> list[File]:
    """The recordings of the first speakers, and the prompts."""
    return [
        *(
            _recording(speaker, emotion, name, seed)
            for speaker in list(SPEAKERS)[:speakers]
            for emotion in (JOSH if speaker == "josh" else STYLES)
            for name in _names(f"{speaker}_{emotion}")
        ),
        text_file("cmuarctic.data", _prompts()),
    ]


def _names(folder: str) -> list[str]:
    style = CAPITALS.get(folder, STYLES[folder.split("_")[1]][0])
    return [*(f"{style}_1-28_{number:04d}" for number in COMMON), *PLANTED.get(folder, ())]


def _recording(speaker: str, emotion: str, name: str, seed: int) -> File:
    path, rate = f"{speaker}_{emotion}/{name}.wav", RATES.get(speaker, RATE)
    _, voice, strength = STYLES[emotion]
    text = SENTENCES[int(name[-4:])]
    line = Line("emovdb", path, speaker, SPEAKERS[speaker], voice, text, strength)
    if name == SHORT:
        return File(path, lambda: pcm16(line.spoken(seed, rate)[: round(SHORT_SECONDS * rate)], rate))
    return recording(path, line, seed, rate)


def _prompts() -> str:
    return "".join(f'( arctic_a{number:04d} "{text}" )\n' for number, text in SENTENCES.items())

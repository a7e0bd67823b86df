"""Speech-like audio from a seed: a harmonic buzz and breath, shaped by formants that follow a text.

    text -> sounds (one a letter) -> buzz + hiss -> formants -> level

Nobody understands a word of it, but it has what a recogniser of emotion looks at: pitch and its
movement, loudness, tempo, spectral tilt and breath, each set by emotion, speaker and chance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from merdata.sample.vocal_tract import HOP, RATE, Track, buzz, by_sample, smooth, through_the_mouth

Samples = npt.NDArray[np.float32]

SECONDS = (0.8, 2.5)
BEAT = 0.078  # seconds of a vowel in neutral speech
PITCHES = (60.0, 600.0)  # Hz
LEVEL, FLOOR, CEILING = -27.0, -62.0, 0.7  # dBFS of the speech, dBFS of the room, largest sample


class Sound(NamedTuple):
    """A letter's sound: formants in Hz (tract of average length), loudness, length in beats."""

    formants: tuple[float, float, float]
    voice: float
    hiss: float
    beats: float


SOUNDS = {
    " ": Sound((500, 1500, 2500), 0.0, 0.01, 0.45),
    "a": Sound((760, 1300, 2500), 1.0, 0.02, 1.0),
    "e": Sound((530, 1850, 2500), 0.9, 0.02, 0.9),
    "i": Sound((300, 2250, 2950), 0.75, 0.02, 0.9),
    "o": Sound((540, 900, 2400), 0.9, 0.02, 1.0),
    "u": Sound((330, 950, 2300), 0.75, 0.02, 0.9),
    "y": Sound((320, 2000, 2700), 0.7, 0.02, 0.7),
    "mn": Sound((260, 1200, 2300), 0.4, 0.01, 0.6),
    "lrw": Sound((380, 1150, 2300), 0.5, 0.01, 0.6),
    "bdgj": Sound((300, 1400, 2600), 0.15, 0.05, 0.5),
    "ptkq": Sound((1500, 2800, 4200), 0.0, 0.12, 0.5),
    "vz": Sound((400, 2400, 4800), 0.2, 0.1, 0.6),
    "fhc": Sound((1200, 2600, 4500), 0.0, 0.12, 0.6),
    "sx": Sound((3600, 5200, 6400), 0.0, 0.25, 0.7),
}
LETTERS = {letter: sound for letters, sound in SOUNDS.items() for letter in letters}

# How each emotion departs from neutral speech, and how much any utterance departs by chance.
#             pitch     movement  slope     level  tempo  tilt         breath  tremor
#             semitones semitones semitones dB     ln     dB an octave share   semitones
EMOTIONS = {
    "anger":    (+3.0,    +2.0,   -2.0,     +7.0,  +0.10,  +3.0,       -0.02,  +0.1),
    "disgust":  (-2.0,    +0.6,   -3.5,     +0.5,  -0.22,  +0.8,       +0.10,  +0.0),
    "fear":     (+5.5,    -0.4,   +0.5,     -1.0,  +0.20,  -0.5,       +0.20,  +1.0),
    "joy":      (+3.5,    +3.2,   +1.0,     +3.0,  +0.05,  +1.0,       +0.03,  +0.0),
    "sadness":  (-1.5,    -1.0,   -1.5,     -6.0,  -0.20,  -3.0,       +0.15,  +0.3),
    "surprise": (+6.5,    +4.0,   +7.0,     +2.0,  +0.00,  +0.2,       +0.08,  +0.0),
    "neutral":  (+0.0,    +0.0,   +0.0,     +0.0,  +0.00,  +0.0,       +0.00,  +0.0),
}  # fmt: skip
CHANCE = (1.2, 0.8, 1.5, 2.0, 0.08, 0.9, 0.04, 0.15)


class Manner(NamedTuple):
    """How an utterance departs from its speaker's habit: a row of the table above."""

    pitch: float
    movement: float
    slope: float
    level: float
    tempo: float
    tilt: float
    breath: float
    tremor: float


@dataclass(frozen=True)
class Speaker:
    """A voice and its habits.

    Attributes:
        pitch: mean of neutral speech, in Hz.
        tract: factor on all formants; more than 1 for a short vocal tract.
        tempo, level, tilt: as in `Manner`, of this speaker's neutral speech.
        breath: share of noise in the voice.
        expression: how strongly emotions show.
    """

    pitch: float
    tract: float
    tempo: float
    level: float
    tilt: float
    breath: float
    expression: float

    @classmethod
    def of(cls, corpus: str, name: str, gender: str | None = None) -> Speaker:
        """The voice of a speaker of a corpus, the same on every machine."""
        rng = seeded("speaker", corpus, name)
        female = gender == "female" if gender else bool(rng.random() < 0.5)
        pitch, tract = (205.0, 1.15) if female else (118.0, 1.0)
        return cls(
            pitch=pitch * float(np.exp(rng.normal(0, 0.09))),
            tract=tract * float(np.exp(rng.normal(0, 0.03))),
            tempo=float(rng.normal(0, 0.06)),
            level=float(rng.normal(0, 1.0)),
            tilt=float(rng.normal(0, 0.5)),
            breath=float(rng.uniform(0.04, 0.10)),
            expression=float(rng.uniform(0.9, 1.3)),
        )


def seeded(*words: object) -> np.random.Generator:
    """Random numbers that depend on these words alone, not on call order or Python's hash seed."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode("utf-8")).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def say(
    speaker: Speaker,
    emotion: str,
    text: str,
    rate: int,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Samples:
    """An utterance of 0.8 to 2.5 seconds, float32 `[n]`, well inside [-1, 1].

    Args:
        speaker: who says it.
        emotion: one of the seven classes of `EMOTIONS`.
        text: whose letters become the sounds.
        rate: sample rate wanted, in Hz.
        rng: source of chance; the same generator state gives the same samples.
        strength: how strongly the emotion is played.
    """
    manner = _manner(speaker, emotion, strength, rng)
    formants, voice, hiss = _sounds(text, speaker, manner)
    voice = voice * _accents(len(voice), rng)
    tone = buzz(by_sample(_melody(len(voice), speaker, manner, rng)))
    noise = rng.standard_normal(len(tone))
    breath = float(np.clip(speaker.breath + manner.breath, 0.01, 0.5))
    source = tone * by_sample(voice) + noise * by_sample(hiss + 0.5 * breath * voice)
    spoken = through_the_mouth(source, formants, speaker.tilt + manner.tilt)
    levelled = _levelled(spoken, LEVEL + speaker.level + manner.level)
    return _resampled(levelled + _amplitude(FLOOR) * rng.standard_normal(len(spoken)), rate)


def length(
    speaker: Speaker, emotion: str, text: str, rng: np.random.Generator, strength: float = 1.0
) -> float:
    """The seconds of what `say` makes of the same words and the same generator state, without making it."""
    _, voice, _ = _sounds(text, speaker, _manner(speaker, emotion, strength, rng))
    return len(voice) * HOP / RATE


def _manner(speaker: Speaker, emotion: str, strength: float, rng: np.random.Generator) -> Manner:
    shown = strength * speaker.expression * rng.uniform(0.6, 1.2)
    departures = zip(EMOTIONS[emotion], CHANCE, rng.standard_normal(len(CHANCE)), strict=True)
    return Manner(*(float(shown * mean + spread * chance) for mean, spread, chance in departures))


def _sounds(text: str, speaker: Speaker, manner: Manner) -> tuple[Track, Track, Track]:
    """Formants `[frames, 3]`, loudness of voice and of hiss `[frames]`, gliding along the text."""
    sounds = [_sound(letter) for letter in f" {text.lower()} "]
    ends = np.cumsum([sound.beats for sound in sounds])
    seconds = np.clip(ends[-1] * BEAT * np.exp(-speaker.tempo - manner.tempo), *SECONDS)
    frames = int(np.ceil(seconds * RATE / HOP))
    which = np.searchsorted(ends, ends[-1] * (np.arange(frames) + 0.5) / frames)
    formants = np.array([sound.formants for sound in sounds])[which] * speaker.tract
    voice = np.array([sound.voice for sound in sounds])[which]
    hiss = np.array([sound.hiss for sound in sounds])[which]
    glides = [smooth(formant, 7) for formant in formants.T]
    return np.stack(glides, axis=1), smooth(voice, 5), smooth(hiss, 3)


def _sound(letter: str) -> Sound:
    """A letter of another script sounds like one of the Latin ones, always the same."""
    if letter in LETTERS:
        return LETTERS[letter]
    return LETTERS[chr(ord("a") + ord(letter) % 26)] if letter.isalpha() else LETTERS[" "]


def _accents(frames: int, rng: np.random.Generator) -> Track:
    """Stress that comes and goes about twice a second."""
    return 1 + 0.25 * np.sin(_turns(2.1, frames, rng))


def _melody(frames: int, speaker: Speaker, manner: Manner, rng: np.random.Generator) -> Track:
    """Pitch in Hz: a line that rises or falls, accents on it, and a tremor."""
    movement = max(0.3, 1.5 + manner.movement)
    semitones = (
        manner.pitch
        + (manner.slope - 1.0) * np.linspace(-0.5, 0.5, frames)
        + movement * np.sin(_turns(rng.uniform(1.3, 2.2), frames, rng))
        + 0.4 * movement * np.sin(_turns(rng.uniform(2.5, 4.0), frames, rng))
        + max(0.05, manner.tremor) * np.sin(_turns(6.5, frames, rng))
        + smooth(rng.standard_normal(frames), 5) * 0.3
    )
    return np.clip(speaker.pitch * 2 ** (semitones / 12), *PITCHES)


def _turns(hertz: float, frames: int, rng: np.random.Generator) -> Track:
    """The phase of an oscillation, beginning anywhere."""
    frame: Track = np.arange(frames, dtype=np.float64)
    return 2 * np.pi * (hertz * HOP / RATE * frame + rng.random())


def _levelled(samples: Track, decibels: float) -> Track:
    """Scale to a level, or to the largest peak allowed if that comes first."""
    effective = float(np.sqrt(np.mean(samples**2)))
    return samples * min(_amplitude(decibels) / effective, CEILING / float(np.abs(samples).max()))


def _amplitude(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _resampled(samples: Track, rate: int) -> Samples:
    if rate == RATE:
        return samples.astype(np.float32)
    import soxr

    resampled: Samples = soxr.resample(samples.astype(np.float32), RATE, rate, quality="HQ")
    return resampled

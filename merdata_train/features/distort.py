"""Distortions of recordings and transcripts, each from a generator of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import signal

from merdata_train.features.hashing import HAN, SPEAKER
from merdata_train.recipe.augment import Noise, NoiseKind, TranscriptErrors

RATE = 16_000
TELEPHONE_HZ = (300, 3_400)
VOICES = 4  # of a babble
DECAY_SECONDS = (0.2, 0.8)  # of a room: until an echo is 60 dB down
MU = 255.0  # of G.711

Floats = npt.NDArray[np.float32]
Other = Callable[[np.random.Generator], Floats]  # another recording


def distorted(samples: Floats, config: Noise, other: Other, random: np.random.Generator) -> Floats:
    """A recording (float32 `[n]`, 16 kHz) as one of the kinds makes it; of the same length, in [-1, 1].

    Args:
        samples: the recording.
        config: the kinds and the range of the signal-to-noise ratio.
        other: gives some other recording, for babble.
        random: chooses all else.
    """
    kind: NoiseKind = config.kinds[random.integers(len(config.kinds))]
    if kind == "babble":
        changed = with_babble(samples, other, random.uniform(*config.snr_db), random)
    elif kind == "reverberation":
        changed = in_a_room(samples, random)
    else:
        changed = telephone(samples) if kind == "telephone" else coded(samples)
    return np.clip(changed, -1.0, 1.0).astype(np.float32)


def with_babble(samples: Floats, other: Other, snr_db: float, random: np.random.Generator) -> Floats:
    """The recording over several voices, `snr_db` above their sum."""
    voices = np.sum([_as_long_as(samples, other(random), random) for _ in range(VOICES)], axis=0)
    power, noise = np.mean(samples.astype(np.float64) ** 2), np.mean(voices.astype(np.float64) ** 2)
    if noise == 0 or power == 0:
        return samples
    mixed: Floats = samples + voices * np.sqrt(power / noise / 10 ** (snr_db / 10))
    return mixed


def in_a_room(samples: Floats, random: np.random.Generator) -> Floats:
    """The recording convolved with noise that decays exponentially (Moorer 1979), as loud as before."""
    decay = random.uniform(*DECAY_SECONDS)
    times = np.arange(int(decay * RATE)) / RATE
    echo = random.normal(size=len(times)) * 10 ** (-3 * times / decay)
    echo[0] = np.linalg.norm(echo)  # the direct sound is as strong as all echoes together
    heard = signal.fftconvolve(samples, echo)[: len(samples)]
    loudness = np.linalg.norm(samples) / max(float(np.linalg.norm(heard)), 1e-9)
    return np.asarray(heard * loudness, np.float32)


def telephone(samples: Floats) -> Floats:
    """The band of a telephone."""
    band = signal.butter(4, TELEPHONE_HZ, "bandpass", fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(band, samples), np.float32)


def coded(samples: Floats) -> Floats:
    """Half the rate and eight bits a sample, by the mu-law of G.711, and back."""
    narrow = np.clip(signal.resample_poly(samples, 1, 2), -1, 1)
    code = np.round(np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU) * 127) / 127
    decoded = np.sign(code) * np.expm1(np.abs(code) * np.log1p(MU)) / MU
    return np.asarray(signal.resample_poly(decoded, 2, 1)[: len(samples)], np.float32)


def misheard(text: str, config: TranscriptErrors, words: Sequence[str], random: np.random.Generator) -> str:
    """A transcript with a recogniser's errors; one word is left at least, and a speaker's prefix stays.

    Args:
        text: the transcript; Chinese is taken by characters.
        config: the shares of the errors.
        words: what may stand in the place of a word.
        random: chooses the words.
    """
    units = words_of(text)
    heard: list[str] = []
    number = 0
    while number < len(units):
        unit, chance = units[number], random.random()
        number += 1
        if SPEAKER.fullmatch(unit) or chance >= config.drop + config.swap + config.replace:
            heard.append(unit)
        elif chance < config.drop:
            continue
        elif chance < config.drop + config.swap and number < len(units):
            heard += [units[number], unit]
            number += 1
        else:
            heard.append(words[int(random.integers(len(words)))])
    return ("" if HAN.search(text) else " ").join(heard or units[:1])


def words_of(text: str) -> list[str]:
    """The words of a transcript; of Chinese, the characters."""
    return list(text) if HAN.search(text) else text.split()


def _as_long_as(samples: Floats, voice: Floats, random: np.random.Generator) -> Floats:
    """Another recording from a random place on, repeated as often as needed."""
    start = int(random.integers(max(1, len(voice))))
    return np.resize(np.roll(voice, -start), len(samples))

"""Distortions of recordings and transcripts, each from a generator of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from fractions import Fraction

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
SHORTEST = 400  # samples that a cut leaves: a window of features

Floats = npt.NDArray[np.float32]
Other = Callable[[np.random.Generator], Floats]  # another recording


def seeded(*words: object) -> np.random.Generator:
    """A generator that depends on some words alone, as a seed and the id of a row."""
    digest = hashlib.sha256(" ".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


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
        changed = in_a_room(samples, random.uniform(*DECAY_SECONDS), random)
    else:
        changed = telephone(samples) if kind == "telephone" else coded(samples)
    return np.clip(changed, -1.0, 1.0).astype(np.float32)


def with_babble(samples: Floats, other: Other, snr_db: float, random: np.random.Generator) -> Floats:
    """The recording over several voices, `snr_db` above their sum."""
    voices = np.sum([_as_long_as(samples, other(random), random) for _ in range(VOICES)], axis=0)
    return over(samples, voices, snr_db)


def over(samples: Floats, noise: Floats, snr_db: float) -> Floats:
    """The recording `snr_db` above a noise of its length; as it is where either is silent."""
    power, noise_power = (float(np.mean(heard.astype(np.float64) ** 2)) for heard in (samples, noise))
    if noise_power == 0 or power == 0:
        return samples
    mixed: Floats = samples + noise * np.sqrt(power / noise_power / 10 ** (snr_db / 10))
    return mixed


def with_white_noise(samples: Floats, snr_db: float, random: np.random.Generator) -> Floats:
    """The recording `snr_db` above white noise."""
    return over(samples, random.normal(size=len(samples)).astype(np.float32), snr_db)


def in_a_room(samples: Floats, decay: float, random: np.random.Generator) -> Floats:
    """The recording convolved with noise that decays exponentially (Moorer 1979), as loud as before.

    Args:
        samples: the recording.
        decay: seconds until an echo is 60 dB down (T60).
        random: draws the echoes.
    """
    times = np.arange(int(decay * RATE)) / RATE
    echo = random.normal(size=len(times)) * 10 ** (-3 * times / decay)
    echo[0] = np.linalg.norm(echo)  # the direct sound is as strong as all echoes together
    heard = signal.fftconvolve(samples, echo)[: len(samples)]
    loudness = np.linalg.norm(samples) / max(float(np.linalg.norm(heard)), 1e-9)
    return np.asarray(heard * loudness, np.float32)


def telephone(samples: Floats, highest: float = TELEPHONE_HZ[1]) -> Floats:
    """The band of a telephone: from 300 Hz to `highest`."""
    band = signal.butter(4, (TELEPHONE_HZ[0], highest), "bandpass", fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(band, samples), np.float32)


def amplified(samples: Floats, decibels: float) -> Floats:
    """The recording louder or, with a negative number, quieter."""
    return np.asarray(samples * 10 ** (decibels / 20), np.float32)


def clipped(samples: Floats, decibels: float) -> Floats:
    """The recording cut off at `decibels` below its peak."""
    limit = float(np.abs(samples).max(initial=0)) / 10 ** (decibels / 20)
    return np.clip(samples, -limit, limit)


def faster(samples: Floats, factor: float) -> Floats:
    """The recording played faster, its pitch with it.

    Ko et al. 2015, Audio Augmentation for Speech Recognition, Interspeech.
    """
    ratio = Fraction(factor).limit_denominator(100)
    return np.asarray(signal.resample_poly(samples, ratio.denominator, ratio.numerator), np.float32)


def cut_off(samples: Floats, share: float) -> Floats:
    """The recording without a share of its end; a window of features is left at least."""
    return samples[: max(SHORTEST, round(len(samples) * (1 - share)))]


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

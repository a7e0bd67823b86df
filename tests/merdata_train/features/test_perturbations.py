"""Each perturbation does what its level says, measured here by other means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal

from merdata_train.errors import RecipeError
from merdata_train.features.distort import seeded
from merdata_train.features.perturbations import Perturbation, kinds, ladder, perturbed

Floats = npt.NDArray[np.float32]
AUDIO = [name for name, facts in kinds().items() if facts["modality"] == "audio"]


def speechlike(samples: int = 24_000) -> Floats:
    """Coloured noise in syllables: a codec for speech keeps it, and it resembles itself at one lag alone."""
    coloured = signal.lfilter([1], [1, -0.95], np.random.default_rng(5).normal(size=samples))
    syllables = np.sin(np.arange(samples) / 16_000 * np.pi * 3) ** 2
    return np.asarray(0.2 * coloured / coloured.std() * syllables, np.float32)


def at(kind: str, level: float, samples: Floats, other: Floats | None = None) -> Floats:
    voice = speechlike(9_000) if other is None else other
    return perturbed(samples, Perturbation(kind, level), lambda _: voice, seeded(kind, "c/1"))


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


@pytest.mark.parametrize("kind", ["noise", "babble"])
@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_has_the_ratio_of_its_level_and_is_the_same_noise_at_every_level(kind: str, snr: float) -> None:
    speech = speechlike()
    noise, louder = at(kind, snr, speech) - speech, at(kind, -20.0, speech) - speech
    assert decibels(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.01)
    assert np.corrcoef(noise, louder)[0, 1] > 0.9999


def test_levels_speeds_cuts_and_clipping_are_those_that_are_asked_for() -> None:
    speech = speechlike()
    peak = float(np.abs(speech).max())
    assert decibels(np.mean(at("level", -20, speech) ** 2) / np.mean(speech**2)) == pytest.approx(
        -20, abs=0.01
    )
    assert np.abs(at("clipping", 12, speech)).max() == pytest.approx(peak / 10 ** (12 / 20), rel=1e-5)
    assert len(at("speed", 1.25, speech)) == 19_200 and len(at("speed", 0.8, speech)) == 30_000
    assert np.array_equal(at("truncation", 0.25, speech), speech[:18_000])
    assert len(at("truncation", 1, speech)) == 400
    tone = np.sin(2 * np.pi * 3_000 * np.arange(16_000) / 16_000).astype(np.float32)
    passed = [np.mean(at("telephone", edge, tone)[4_000:] ** 2) for edge in (3_400, 1_600)]
    assert passed[0] > 0.4 and passed[1] < 0.01


def test_an_echo_is_60_db_down_after_its_decay() -> None:
    """Schroeder's backward integral of what a click leaves behind it: between -5 and -25 dB, times three."""
    click = np.zeros(24_000, np.float32)
    click[0] = 1
    tail = at("reverberation", 0.6, click)[1:].astype(np.float64)
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2))
    fall = np.argmax(left < -25) - np.argmax(left < -5)
    assert 3 * fall / 16_000 == pytest.approx(0.6, rel=0.1)


@pytest.mark.parametrize(
    ("codec", "mild", "hard"), [("opus", 24, 8), ("mp3", 32, 8), ("aac", 32, 16), ("gsm", 1, 4)]
)
def test_a_codec_keeps_length_and_place_and_loses_more_at_harder_levels(
    codec: str, mild: int, hard: int
) -> None:
    speech = speechlike(23_987)
    close, far = at(codec, mild, speech), at(codec, hard, speech)
    assert len(close) == len(far) == len(speech)
    lag = int(np.argmax(signal.correlate(close, speech))) - (len(speech) - 1)
    assert lag == 0
    kept = [np.corrcoef(heard, speech)[0, 1] for heard in (close, far)]
    assert kept[0] > 0.9 and kept[1] < kept[0]


@pytest.mark.parametrize("kind", AUDIO)
def test_every_level_takes_silence_and_clips_of_one_sample(kind: str) -> None:
    for step in ladder([kind]):
        for samples in (np.zeros(700, np.float32), np.full(1, 0.25, np.float32)):
            heard = at(kind, step.level, samples)
            assert len(heard) > 0 and np.isfinite(heard).all(), step


@pytest.mark.parametrize("kind", AUDIO)
def test_the_lowest_and_the_highest_level_can_be_heard(kind: str) -> None:
    random = np.random.default_rng(0)
    clip = (0.1 * random.normal(size=4_000)).astype(np.float32)
    for level in kinds()[kind]["limits"]:
        (step,) = ladder([f"{kind}:{level}"])
        heard = clip if step.is_clean else perturbed(clip, step, lambda _: clip[::-1], random)
        assert len(heard) and np.isfinite(heard).all()


def test_a_ladder_lists_each_step_once() -> None:
    asked = ladder(["babble:0", "babble", "level:-10", "wer:clean", "noise:inf"])
    assert [str(step) for step in asked] == [
        *("babble:0", "babble:20", "babble:15", "babble:10", "babble:5"),
        *("level:-10", "wer:clean", "noise:clean"),
    ]
    for kind, facts in kinds().items():
        if kind != "recognised":
            assert ladder([f"{kind}:{level}" for level in facts["levels"]]) == ladder([kind])
        assert ladder([f"{kind}:{facts['clean']}"])[0].is_clean


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("bable", r"no perturbation 'bable'.*babble"),
        ("opus:2", r"--perturb opus:2: the level is kbit/s, from 6 to 256, or clean"),
        ("noise:1e9", r"dB signal-to-noise ratio, from -30 to 120, or clean"),
        ("telephone:9000", r"Hz at its upper edge, from 400 to 7900, or clean"),
        ("gsm:1.5", r"the level is a whole number of times one after another, from 0 to 20"),
        ("wer:nan", r"the level is word error rate, from 0 to 0\.99, or clean"),
        ("speed:", r"the level is times as fast, from 0\.25 to 4"),
        ("recognised:../x", r"--perturb recognised:\.\./x: name a layer of transcripts"),
    ],
)
def test_what_is_not_a_step_is_refused(words: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        ladder([words])

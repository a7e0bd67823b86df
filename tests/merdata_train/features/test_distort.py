"""Distortions: what is asked for is what comes out, and nothing depends on anything but the generator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from merdata_train.features.distort import (
    coded,
    distorted,
    in_a_room,
    misheard,
    telephone,
    with_babble,
)
from merdata_train.recipe.augment import Noise, TranscriptErrors

Floats = npt.NDArray[np.float32]
TIMES = np.arange(16_000) / 16_000


def tone(hertz: float) -> Floats:
    return (0.3 * np.sin(2 * np.pi * hertz * TIMES)).astype(np.float32)


def white(seed: int = 0) -> Floats:
    return (0.1 * np.random.default_rng(seed).normal(size=16_000)).astype(np.float32)


def power(samples: Floats) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


@pytest.mark.parametrize("snr", [0.0, 5.0, 20.0])
def test_babble_has_the_ratio_that_is_asked_for(snr: float) -> None:
    speech = tone(220)
    mixed = with_babble(speech, lambda random: white(int(random.integers(9))), snr, np.random.default_rng(0))
    assert 10 * np.log10(power(speech) / power(mixed - speech)) == pytest.approx(snr, abs=0.01)


def test_silence_and_silent_voices_change_nothing() -> None:
    nothing = np.zeros(16_000, np.float32)
    random = np.random.default_rng(0)
    assert np.array_equal(with_babble(tone(220), lambda _: nothing, 5, random), tone(220))
    assert np.array_equal(with_babble(nothing, lambda _: white(), 5, random), nothing)
    assert np.isfinite(in_a_room(nothing, 0.5, random)).all()


def test_a_telephone_passes_its_band_alone() -> None:
    for hertz, passes in ((60, False), (1_000, True), (3_000, True), (6_000, False)):
        kept = power(telephone(tone(hertz))[4_000:]) / power(tone(hertz))
        assert (kept > 0.7) if passes else (kept < 0.01), hertz


def test_a_codec_keeps_speech_and_loses_what_is_above_4_khz() -> None:
    low, high = tone(440), tone(6_000)
    assert np.corrcoef(low, coded(low))[0, 1] > 0.99
    assert power(coded(high)) < 0.01 * power(high)
    assert len(coded(low[:15_999])) == 15_999


def test_a_room_is_as_loud_and_rings_on() -> None:
    click = np.zeros(16_000, np.float32)
    click[100] = 0.5
    heard = in_a_room(click, 0.5, np.random.default_rng(0))
    assert power(heard) == pytest.approx(power(click), rel=1e-3)
    assert np.abs(heard[:100]).max() < 1e-6 < np.abs(heard[1_000:2_000]).max()


@pytest.mark.parametrize("kind", ["babble", "reverberation", "telephone", "codec"])
@pytest.mark.parametrize("samples", [1, 100, 16_000])
def test_every_kind_keeps_length_range_and_digits(kind: str, samples: int) -> None:
    config = Noise.model_validate({"kinds": [kind], "snr_db": [-5, 0]})
    clip = (tone(440) * 3)[:samples]
    first, again = (distorted(clip, config, lambda _: white(), np.random.default_rng(3)) for _ in range(2))
    assert len(first) == samples and first.dtype == np.float32
    assert np.abs(first).max() <= 1 and np.array_equal(first, again)
    assert samples < 100 or not np.array_equal(first, clip)


WORDS = [f"word{number}" for number in range(10_000)]


@pytest.mark.parametrize("error", ["drop", "swap", "replace"])
def test_errors_have_the_shares_that_are_asked_for(error: str) -> None:
    text = " ".join(WORDS)
    config = TranscriptErrors.model_validate({error: 0.2})
    heard = misheard(text, config, ["other"], np.random.default_rng(0)).split()
    if error == "drop":
        assert len(heard) == pytest.approx(8_000, abs=200) and "other" not in heard
    elif error == "replace":
        assert heard.count("other") == pytest.approx(2_000, abs=200) and len(heard) == 10_000
    else:
        assert sorted(heard) == sorted(WORDS) and heard != WORDS


def test_a_word_and_the_speaker_always_stay() -> None:
    config = TranscriptErrors(drop=0.99)
    for seed in range(20):
        random = np.random.default_rng(seed)
        assert misheard("hello", config, ["x"], random) == "hello"
        assert misheard("speaker=Joey hello there", config, ["x"], random).startswith("speaker=Joey")
    assert set(misheard("打远一看", TranscriptErrors(swap=0.5), ["x"], np.random.default_rng(1))) == set(
        "打远一看"
    )

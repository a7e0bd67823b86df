"""The synthetic voice: the same for the same seed, and an emotion that can be heard."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from merdata.sample.voice import EMOTIONS, Samples, Speaker, say, seeded


def test_the_hash_seed_of_python_is_no_matter() -> None:
    code = (
        "import hashlib; from merdata.sample.voice import *; "
        "speech = say(Speaker.of('c', 's'), 'joy', 'Any words', 16000, seeded(0, 'a')); "
        "print(hashlib.sha256(speech.tobytes()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def pitch(samples: Samples, rate: int = 16_000) -> float:
    """The median over frames of the strongest lag of the autocorrelation between 60 and 600 Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1_024)[::512] * np.hanning(1_024)
    loud = frames[np.square(frames).sum(axis=1) > np.square(frames).sum(axis=1).mean()]
    power = np.abs(np.fft.rfft(loud, 2_048)) ** 2
    lags = np.fft.irfft(power)[:, rate // 600 : rate // 60]
    return float(np.median(rate / (lags.argmax(axis=1) + rate // 600)))


def test_emotion_is_heard_in_pitch_and_level() -> None:
    pitches: dict[str, list[float]] = {emotion: [] for emotion in EMOTIONS}
    levels: dict[str, list[float]] = {emotion: [] for emotion in EMOTIONS}
    for emotion in EMOTIONS:
        for take in range(20):
            speaker = Speaker.of("test", f"speaker {take % 5}", "male")
            speech = say(speaker, emotion, "Come over here, now", 16_000, seeded(take, emotion))
            pitches[emotion].append(pitch(speech))
            levels[emotion].append(float(np.sqrt(np.mean(speech**2))))
    high = {emotion: float(np.mean(values)) for emotion, values in pitches.items()}
    loud = {emotion: float(np.mean(values)) for emotion, values in levels.items()}
    assert high["sadness"] < high["anger"] < high["surprise"]
    assert high["disgust"] < high["neutral"] < high["fear"]
    assert loud["sadness"] < loud["neutral"] < loud["joy"] < loud["anger"]


def test_speakers_differ_and_stay_themselves() -> None:
    assert Speaker.of("ravdess", "01", "male") == Speaker.of("ravdess", "01", "male")
    assert Speaker.of("ravdess", "01", "male") != Speaker.of("ravdess", "03", "male")
    assert Speaker.of("ravdess", "01", "male") != Speaker.of("tess", "01", "male")
    assert Speaker.of("ravdess", "01", "male").pitch < Speaker.of("ravdess", "02", "female").pitch


@pytest.mark.parametrize("text", ["", "?!", "我是学生。", "a" * 1_000, "12:30"])
def test_any_text_can_be_said(text: str) -> None:
    speech = say(Speaker.of("test", "anyone"), "joy", text, 44_100, seeded(0, text))
    assert 0.8 <= len(speech) / 44_100 <= 2.6
    assert speech.dtype == np.float32
    assert np.isfinite(speech).all()

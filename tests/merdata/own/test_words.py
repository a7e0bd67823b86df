"""What words for emotions mean, in the languages of the corpora."""

from __future__ import annotations

import pytest

from merdata.own.words import meaning

WORDS = {
    "anger": ["Angry", "Wut", "Ärger", "COLÈRE", "rab", "złość", "kızgın", "гнев", "愤怒", "怒り", "분노"],
    "disgust": ["disgusted", "Ekel", "dégoût", "asco", "nojo", "отвращение", "厭惡", "嫌悪", "혐오"],
    "fear": ["fea", "Angst", "peur", "paura", "miedo", "strach", "страх", "恐惧", "恐怖", "공포"],
    "joy": ["Happy", "Freude", "glücklich", "joie", "felicità", "alegría", "radość", "高兴", "喜び", "기쁨"],
    "sadness": ["sad", "traurig", "Tristesse", "triste", "tristeza", "smutek", "грусть", "悲しみ", "슬픔"],
    "surprise": [
        "PS",
        "Überraschung",
        "surpris",
        "sorpresa",
        "surpresa",
        "удивление",
        "惊讶",
        "驚き",
        "놀람",
    ],
    "neutral": ["neu", "Neutral", "neutre", "neutrale", "нейтрально", "中性", "중립"],
    None: ["calm", "boredom", "Langeweile", "table", "a", ""],
}


@pytest.mark.parametrize("target", WORDS)
def test_words_for_emotions(target: str | None) -> None:
    assert {word: meaning(word) for word in WORDS[target]} == dict.fromkeys(WORDS[target], target)

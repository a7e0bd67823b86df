"""Whether a clip says its text: stated cases, strings in, verdict out."""

from __future__ import annotations

import math
from functools import partial

import pytest

from merdata.asr.distance import nearest
from merdata.asr.judge import ANOTHER, NO_WORDS, OTHER_WORDS, PACE, SUCCESSORS, judge, score_of
from merdata.asr.normaliser import normalised_in, normaliser

KIDS, DOGS = "kids are talking by the door", "dogs are sitting by the door"
CARRIER = [f"say the word {word}" for word in ("back", "beg", "bean", "boat", "bought", "young")]

CASES = {  # own, heard, others, likelihoods, the kind of the verdict
    "as it is": (KIDS, KIDS, [DOGS], None, None),
    "a slip of the recogniser": (KIDS, "kids are talking by the store", [DOGS], None, None),
    "half of it is lost in a shout": (KIDS, "talking by the door", [DOGS], None, None),
    "exactly another text": (KIDS, DOGS, [DOGS], None, ANOTHER),
    "another text with a slip": (DOGS, "kids are walking by the door", [KIDS], None, ANOTHER),
    "one word of a carrier sentence": (CARRIER[0], CARRIER[5], CARRIER[1:], None, ANOTHER),
    "a word that is as near to another": (
        CARRIER[2],
        "say the word being",
        CARRIER[:2] + CARRIER[3:],
        None,
        None,
    ),
    "the same, and the model thinks its own likelier": (
        CARRIER[1],
        "say the word big",
        CARRIER[:1] + CARRIER[2:],
        {CARRIER[1]: -4.0, CARRIER[0]: -7.5, CARRIER[2]: -9.0},
        None,
    ),
    "the model thinks another far likelier": (
        CARRIER[3],
        "say the word but",
        CARRIER[:3] + CARRIER[4:],
        {CARRIER[3]: -12.0, CARRIER[4]: -3.0},
        ANOTHER,
    ),
    "nothing heard": (KIDS, "", [DOGS], None, NO_WORDS),
    "no text": ("", "", [DOGS], None, None),
    "words that no row has": (KIDS, "thank you very much for watching everyone", [], None, OTHER_WORDS),
    "German with numbers": (
        "in sieben stunden wird es soweit sein",
        "in 7 stunden wird es soweit sein",
        [],
        None,
        None,
    ),
}


@pytest.mark.parametrize(("own", "heard", "others", "likelihoods", "kind"), CASES.values(), ids=CASES)
def test_verdicts(
    own: str, heard: str, others: list[str], likelihoods: dict[str, float] | None, kind: str | None
) -> None:
    verdict = judge(own, heard, others=others, likelihoods=likelihoods)
    assert (verdict and verdict.kind) == kind
    assert verdict is None or 0.5 < verdict.score <= 1


def test_a_clip_that_holds_the_next_turns_is_named_with_them() -> None:
    following = ["i was going to tell you", "no you were not"]
    heard = "what did you say i was going to tell you no you were not"
    verdict = judge("what did you say", heard, following=following, others=following)
    assert verdict and verdict.kind == SUCCESSORS
    assert verdict.other == "i was going to tell you no you were not"
    assert judge("what did you say", "what did you say", following=following) is None


def test_a_text_too_long_for_its_clip_is_a_matter_of_pace() -> None:
    own = "this is a sentence of nine words or so"
    fast = judge(own, own, pace=(9, 0.5, 2.5))
    slow = judge(own, own, pace=(9, 60.0, 2.5))
    assert fast and slow and fast.kind == slow.kind == PACE
    assert judge(own, own, pace=(9, 3.0, 2.5)) is None
    assert judge("no", "no", pace=(1, 12.0, 2.5)) is None  # one word in a long clip is common


def test_other_words_need_a_sure_recogniser() -> None:
    heard = "thank you very much for watching everyone"
    sure, unsure = (judge(KIDS, heard, confidence=confidence) for confidence in (0.9, 0.2))
    assert sure and unsure and sure.score > unsure.score


def test_many_texts_need_more_evidence() -> None:
    """One of many short texts is near to anything: the number of texts is taken off."""
    few = judge("oh okay", "okay", others=["okay"])
    many = judge("oh okay", "okay", others=["okay", *(f"some text {number}" for number in range(5000))])
    assert few and few.kind == ANOTHER
    assert many is None


@pytest.mark.parametrize(
    ("evidence", "score"), [(-math.inf, 0), (0, 0.5), (5, 0.75), (-5, 0.25), (math.inf, 1)]
)
def test_a_score_is_a_half_where_evidence_is_balanced(evidence: float, score: float) -> None:
    assert score_of(evidence) == score


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("en", "Mr. Kids won't talk, [laughs] twenty-one!", "mister kids will not talk 21"),
        ("de", "Der Lappen liegt, äh, auf dem Eisschrank.", "der lappen liegt äh auf dem eisschrank"),
        ("zh", "我 很高兴。", "我 很 高 兴"),
        ("?", "Ça va!", "ça va"),
    ],
)
def test_texts_are_normalised_as_whisper_s_are(language: str, text: str, normal: str) -> None:
    assert normaliser(language)(text) == normal


def test_the_nearest_text_is_sought_as_texts_are_compared_later() -> None:
    texts = ["I will not now", "I'll not know!"]  # English writes out what is contracted
    assert nearest("I will not know", texts, 1, partial(normalised_in, "en")) == ["I'll not know!"]

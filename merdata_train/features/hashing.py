"""Hashed words of a transcript: no vocabulary to fit, so nothing of the test rows can be learned from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import HashingVectorizer

if TYPE_CHECKING:
    from merdata_train.recipe.features import Hashing

SPEAKER = re.compile(r"\bspeaker=\S+")
HAN = re.compile("[\u3400-\u9fff]")
HAN_NGRAMS = (1, 2)


def hashed(texts: Sequence[str | None], config: Hashing) -> npt.NDArray[np.float32]:
    """`[texts, n_features]`, rows of unit length; a missing text is a row of zeros.

    Words as scikit-learn finds them (two letters or more, lower case); Chinese, which has no blanks between
    words, by characters and pairs of characters. A speaker's prefix is one token, so that who speaks and who
    is spoken of are two things.
    """
    words = HashingVectorizer(ngram_range=config.ngrams).build_analyzer()
    characters = HashingVectorizer(ngram_range=HAN_NGRAMS, analyzer="char_wb").build_analyzer()

    def tokens(text: str) -> list[str]:
        spoken = SPEAKER.sub(" ", text)
        own = characters(spoken) if HAN.search(spoken) else words(spoken)
        return [*(prefix.lower() for prefix in SPEAKER.findall(text)), *own]

    vectoriser = HashingVectorizer(n_features=config.n_features, analyzer=tokens, dtype=np.float32)
    vectors: npt.NDArray[np.float32] = vectoriser.transform([text or "" for text in texts]).toarray()
    return vectors

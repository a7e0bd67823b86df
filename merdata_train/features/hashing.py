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

HAN = re.compile("[\u3400-\u9fff]")
HAN_NGRAMS = (1, 2)


def hashed(texts: Sequence[str | None], config: Hashing) -> npt.NDArray[np.float32]:
    """`[texts, n_features]`, rows of unit length; a missing text is a row of zeros.

    Words as scikit-learn finds them (two letters or more, lower case); Chinese, which has no blanks between
    words, by characters and pairs of characters.
    """
    words = HashingVectorizer(n_features=config.n_features, ngram_range=config.ngrams, dtype=np.float32)
    characters = HashingVectorizer(
        n_features=config.n_features, ngram_range=HAN_NGRAMS, analyzer="char_wb", dtype=np.float32
    )
    vectors = np.zeros((len(texts), config.n_features), np.float32)
    chinese = np.array([bool(text and HAN.search(text)) for text in texts], bool)
    for vectoriser, chosen in ((words, ~chinese), (characters, chinese)):
        rows = np.flatnonzero(chosen)
        if len(rows):
            vectors[rows] = vectoriser.transform([texts[row] or "" for row in rows.tolist()]).toarray()
    return vectors

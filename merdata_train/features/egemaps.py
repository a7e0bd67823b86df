"""eGeMAPS: the 88 functionals of speech research (Eyben et al. 2016), computed by opensmile.

opensmile is an extra of its own (`pip install 'merdata[egemaps]'`), because its licence allows only research.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from merdata_train.errors import RecipeError

SAMPLE_RATE = 16_000
WIDTH = 88
SHORTEST = 960  # samples of opensmile's longest window, 60 ms; of less it makes NaN
Floats = npt.NDArray[np.float32]


def functionals(samples: Floats) -> Floats:
    """eGeMAPS v02 of a clip (float32 `[n]`, 16 kHz): `[88]`, in the order of opensmile's feature names.

    Raises:
        RecipeError: opensmile is not installed.
    """
    if len(samples) < SHORTEST:
        samples = np.pad(samples, (0, SHORTEST - len(samples)))
    values: Floats = _extractor().process_signal(samples, SAMPLE_RATE).to_numpy(np.float32)[0]
    return np.nan_to_num(values)


@cache
def _extractor() -> Any:
    try:
        import opensmile
    except ModuleNotFoundError as error:
        raise RecipeError(
            "features.audio.kind egemaps needs opensmile: pip install 'merdata[egemaps]' (for research only)"
        ) from error
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )

"""merdata_train: emotion models on a merdata store, from YAML recipes to honest tables.

>>> from merdata_train import Predictor
>>> Predictor.open("runs/source0-A1-0123abcd")(audio="hello.wav", text="Hello!").label  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from merdata_train.predict import Predictor as Predictor

__all__ = ["Predictor"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'merdata_train' has no attribute {name!r}")
    from merdata_train import predict

    return getattr(predict, name)

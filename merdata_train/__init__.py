"""merdata_train: emotion models on a merdata store, from YAML recipes to tables.

>>> from merdata_train import Predictor, compare, evaluate, load_recipe, run
>>> gated, tokens = (run(load_recipe(name)) for name in ("source0/A0", "source0/A1"))  # doctest: +SKIP
>>> evaluate(tokens)["sets"]["TestA"]["scores"]["uar"], evaluate(gated)["best_epoch"]  # doctest: +SKIP
>>> compare([gated, tokens])["sets"]["TestA"]["pairs"][0]["metrics"]["uar"]  # doctest: +SKIP
>>> Predictor.open(tokens)(audio="hello.wav", text="Hello!").label  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Public name -> the module that defines it, imported when first used.
_HOME = {
    "load_recipe": "recipe.recipe",
    "run": "runs.run",
    "evaluate": "runs.evaluate",
    "compare": "runs.compare",
    "Predictor": "serving.predict",
}
__all__ = [*_HOME]

if TYPE_CHECKING:
    from merdata_train.recipe.recipe import load_recipe as load_recipe
    from merdata_train.runs.compare import compare as compare
    from merdata_train.runs.evaluate import evaluate as evaluate
    from merdata_train.runs.run import run as run
    from merdata_train.serving.predict import Predictor as Predictor


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'merdata_train' has no attribute {name!r}")
    return getattr(import_module(f"merdata_train.{_HOME[name]}"), name)

"""Hostile stores, layers, runs, lists, recipes: `python -m tests.crash.attack [NAME ...]`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from merdata.cli import app as toolkit
from merdata.corpora.miniature import write_corpus
from merdata_train.cli import app as trainer
from tests.attack.drive import commands, faults_of, make_scene
from tests.attack.layers import LAYERS, make_layers, on_layers
from tests.attack.lists import LISTS, make_lists, on_lists
from tests.attack.runs import RECIPES, RUNS, make_recipes, make_runs, on_recipes, on_runs
from tests.attack.stores import STORES


def main(names: list[str]) -> int:
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus("tess", folder / "corpora" / "tess")
        scene = make_scene(folder / "corpora", folder / "good")
        for kind, table, good, chosen, program in (
            ("stores", STORES, scene, commands, toolkit.main),
            ("layers", LAYERS, make_layers(scene), on_layers, toolkit.main),
            ("runs", RUNS, make_runs(scene), on_runs, trainer.main),
            ("lists", LISTS, make_lists(scene), on_lists, toolkit.main),
            ("recipes", RECIPES, make_recipes(scene), on_recipes, trainer.main),
        ):
            asked = {name: hostile for name, hostile in table.items() if not names or name in names}
            wrong = 0
            for name, hostile in asked.items():
                lines = faults_of(good, name, hostile, folder / "place", chosen, program)
                print(*lines, sep="\n", end="\n" if lines else "", flush=True)
                wrong += len(lines)
            answers = len(asked) * len(chosen(good, folder, folder))
            print(f"| hostile {kind} | {wrong} faults in {answers} answers |", flush=True)
            faults += wrong
    return faults


if __name__ == "__main__":
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    sys.exit(min(1, main(sys.argv[1:])))

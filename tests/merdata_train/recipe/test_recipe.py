"""Recipes: every one that ships is whole; every fault is named, all at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merdata_train.errors import RecipeError
from merdata_train.parts.fusions.gated import Gated
from merdata_train.parts.fusions.tokens import TokenTransformer
from merdata_train.recipe.files import about, recipe_files, recipe_folder
from merdata_train.recipe.recipe import Recipe, load_recipe
from tests.merdata_train.command import cli

SHIPPED = recipe_files()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_all_files_of_the_folder_are_found() -> None:
    folder = Path(__file__).parents[3] / "recipes"
    assert {path.resolve() for path in SHIPPED.values()} == {
        path.resolve() for path in folder.rglob("*.yaml") if path.parent.name != "suites"
    }
    assert len(SHIPPED) >= 5


@pytest.mark.parametrize("name", SHIPPED)
def test_every_recipe_is_whole_and_says_how_to_run_it(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    first = SHIPPED[name].read_text().splitlines()[0]
    assert re.fullmatch(rf"# (merdata split .* && )?merdata_train run recipes/{name}.yaml", first)
    assert about(SHIPPED[name])


def test_a0_and_a1_are_as_specified() -> None:
    a0, a1 = load_recipe("source0/A0"), load_recipe("source0/A1")
    assert isinstance(a0.model, Gated)
    assert (a0.model.width, a0.features.audio.n_mfcc, a0.features.text.n_features) == (128, 80, 768)
    assert isinstance(a1.model, TokenTransformer)
    assert (a1.model.width, a1.model.layers, a1.model.heads, a1.model.ffn_mult) == (256, 4, 8, 4)
    assert a1.features == a0.features
    assert a1.loss.label_smoothing == 0.1
    assert a1.selection.metric == "uar"


def test_the_described_forms_stay_available() -> None:
    a0, a1 = load_recipe("source0/A0-described"), load_recipe("source0/A1-described")
    assert isinstance(a0.model, Gated) and isinstance(a1.model, TokenTransformer)
    assert (a0.model.norm, a0.model.project, a0.model.mix) == ("layer", "linear", "swiglu")
    assert (a1.model.norm, a1.model.project, a1.model.ffn) == ("none", "swiglu", "swiglu")
    for name, described in (("source0/A0", a0), ("source0/A1", a1)):
        shipped = load_recipe(name)
        assert (described.loss.class_weights, shipped.loss.class_weights) == (
            "balanced",
            "balanced_by_corpus",
        )
        ours = {"name": name, "model": shipped.model, "loss": shipped.loss}
        assert described.model_copy(update=ours) == shipped


@pytest.mark.parametrize(
    ("recipe", "kind", "gone"),
    [
        ("source1/full", "gated", {"form"}),
        ("source1/full", "eaaf_constrained", {"form"}),
        ("source1/full", "global_attention", {"form", "dropout"}),
        ("source1/full", "concat", {"form"}),
        ("source3/mer-han", "eaaf", {"form"}),
    ],
)
def test_a_part_of_another_kind_keeps_what_both_kinds_have(recipe: str, kind: str, gone: set[str]) -> None:
    before, after = load_recipe(recipe).model, load_recipe(recipe, [f"model.kind={kind}"]).model
    assert after.kind == kind
    stated = before.model_fields_set
    assert stated - after.model_fields_set == gone
    same = stated - gone - {"kind"}
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}


def test_overrides_reach_any_depth() -> None:
    recipe = load_recipe(
        "source0/A1", ["seed=7", "stages.0.epochs=3", "data.corpora=[meld]", "features.text.ngrams=[1, 2]"]
    )
    assert (recipe.seed, recipe.stages[0].epochs, recipe.data.corpora) == (7, 3, ["meld"])
    assert recipe.features.text.ngrams == (1, 2)
    assert load_recipe("source0/A1", ["model={kind: gated}"]).model == Gated(kind="gated")


def test_every_error_at_once_with_a_suggestion(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.yaml",
        "name: bad\nmodel: {kind: tokens, layer: 2}\nstages: [{epoch: 3, lr: -1}]\n"
        "features: {audio: {n_mfc: 3}}\nsede: 1\nloss: {tau: 1}\n",
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    message = str(caught.value)
    for words in (
        "bad.yaml",
        "model.layer: unknown key (did you mean 'layers'?)",
        "stages.0.epoch: unknown key (did you mean 'epochs'?)",
        "stages.0.lr: input should be greater than 0, not -1",
        "features.audio.n_mfc: unknown key (did you mean 'n_mfcc'?)",
        "sede: unknown key (did you mean 'seed'?)",
        "loss.tau: unknown key; there are kind, label_smoothing, class_weights",
    ):
        assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a list\n", "must be a mapping"),
        ("name: [unclosed\n", "bad.yaml: line 2, column 1: expected"),
        ("base: nowhere.yaml\n", "does not exist"),
        ("name: x\nseed: 1\nmodel: {kind: gated}\nseed: 2\n", "the key 'seed' is given twice"),
        (
            "name: x\nmodel: {kind: gated}\nmodalities: [text]\nmodality_dropout: 0.1\n",
            "bad.yaml: modality_dropout",
        ),
        ("name: x\n", "model: field required"),
        (
            "name: x\nmodel: {kind: token}\n",
            "model: there is no kind 'token' (did you mean 'tokens'?): the kinds are concat, eaaf, ",
        ),
        (
            "name: x\nmodel: {kind: gated}\nfeatures: {audio: {kind: encoders}}\n",
            "features.audio: there is no kind 'encoders' (did you mean 'encoder'?)",
        ),
        ("name: x\nmodel: {kind: lstm}\n", "model:"),
        ("base: bad.yaml\n", "its own base"),
        ("name: &x [a]\nlabels: *x\n", "aliases"),
        (f"name: {'[' * 40}{']' * 40}\n", "nested deeper than 32 levels"),
        ("name: x\nseed: 2001-02-30\n", "cannot be"),
        (f"name: x\nmodel: {{kind: gated}}\nlabels: [{'x' * 10_000}]\n", "xxx..."),
        (
            "name: x\nmodel: {kind: gated}\n" + "".join(f"k{n}: 1\n" for n in range(1_000)),
            "980 more faults",
        ),
        ("!!python/object/apply:os.system ['true']\n", "cannot read"),
    ],
)
def test_a_broken_recipe_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path / "bad.yaml", text))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("model.heads=7", "model: width 256 is not a multiple of heads 7"),
        ("features.audio.n_mfcc=200", "features.audio: n_mfcc 200 is more than n_mels 128"),
        ("features.audio.win_ms=50", "features.audio: a window of 50 ms is longer than n_fft 512 at 16 kHz"),
        ("features.audio.hop_ms=0.01", "features.audio.hop_ms: input should be greater than or equal to 1"),
        ("features.text.ngrams=[2,1]", "features.text: ngrams must go up, not from 2 to 1"),
        ("modalities=[audio,audio]", "modalities: 'audio' is listed twice"),
        ("data.corpora=[meld,meld]", "data.corpora: 'meld' is listed twice"),
        ("data.corpora=[]", "data.corpora: list should have at least 1 item"),
        ("data.languages=[]", "data.languages: list should have at least 1 item"),
        ("augment={noise: {snr_db: [.nan, 5]}}", "augment.noise.snr_db.0: input should be a finite number"),
        ("stages.0.sampler={balance: {corpus: .inf}}", "balance.corpus: input should be a finite number"),
        ("stages.0.lr=.inf", "stages.0.lr: input should be a finite number"),
        ("name=''", "name: string should have at least 1 character"),
        ("fold=[1]", "fold: input should be a valid integer, not [1]; fold: input should be a valid string"),
        ("seed=4294967296", "seed: input should be less than 4294967296"),
    ],
)
def test_what_no_library_would_accept_is_refused_before_training(override: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("source0/A1", [override])
    assert says in str(caught.value)


def test_a_number_with_a_leading_zero_is_the_name_that_is_written() -> None:
    """Speaker 07 of a corpus is not its seventh, nor is 010 eight."""
    recipe = load_recipe("source0/A1", ["fold=07", "seed=010"])
    assert (recipe.fold, recipe.seed) == ("07", 10)
    assert load_recipe("source0/A1", ["fold=7"]).fold == 7


def test_a_choice_is_told_once() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("source0/A1", ["selection.metric=war"])
    assert str(caught.value).endswith(
        "selection.metric: input should be 'uar', 'weighted_f1', 'macro_f1', 'accuracy' or 'loss', not 'war'"
    )
    with pytest.raises(RecipeError, match=r"at least 1 item after validation, not 0$"):
        load_recipe("source0/A1", ["stages=[]"])


def test_faults_between_keys_are_told_with_all_others() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("source0/A1", ["model.heads=7", "features.audio.n_mfcc=200", "sede=1"])
    for words in ("model: width", "features.audio: n_mfcc", "sede: unknown key"):
        assert words in str(caught.value)


def test_an_unknown_name_is_answered() -> None:
    with pytest.raises(RecipeError, match=r"did you mean 'source0/A1'"):
        load_recipe("source0/A11")


@pytest.mark.parametrize(
    "override", ["seed", "=3", "stages.7.epochs=3", "seed.deeper=1", "seed=[", "stages.x=1"]
)
def test_a_wrong_override_is_one_sentence(override: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("source0/A1", [override])
    assert "\n" not in str(caught.value)


@given(st.text(max_size=20))
def test_any_override_is_obeyed_or_refused(text: str) -> None:
    try:
        load_recipe("source0/A1", [text])
    except RecipeError as error:
        assert str(error)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((recipe_folder() / "recipe.schema.json").read_text("utf-8"))
    assert published == Recipe.model_json_schema()


def test_recipes_are_checked_on_the_command_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("base: nothing.yaml", "utf-8")
    good = cli("recipes", "check", "source0/A0", "source0/A9")
    assert (good.returncode, good.stdout) == (0, "source0/A0: good\nsource0/A9: good\n")
    bad = cli("recipes", "check", "source0/A0", wrong)
    assert bad.returncode == 2 and "does not exist" in bad.stderr and "Traceback" not in bad.stderr


def test_stages_are_laid_over_one_by_one() -> None:
    a8, a9 = load_recipe("source0/A8"), load_recipe("source0/A9")
    assert a9.stages[0] == a8.stages[0]
    assert [stage.name for stage in a9.stages] == ["main", "meld"]
    assert a9.stages[1].lr == pytest.approx(a9.stages[0].lr / 10)


def test_the_experiment_map_of_family_a() -> None:
    """What each recipe adds to the one it is based on."""
    of = {name: load_recipe(f"source0/A{name}") for name in range(1, 10)}
    assert of[2].stages[0].sampler is not None and of[2].stages[0].sampler.balance is not None
    assert of[2].loss.class_weights == "none"
    assert (of[2].modality_dropout, of[3].modality_dropout, of[5].modality_dropout) == (0, 0.2, 0.2)
    assert of[3].ema is None and of[4].ema is not None and of[4].ema.decay == 0.999
    assert of[5].stages[0].sampler is not None and of[5].stages[0].sampler.upweight == {"meld": 4}
    assert of[5].ema is None and of[6].ema is not None
    assert of[7].seed != of[6].seed
    assert of[8].context is not None and (of[8].context.previous, of[8].context.speaker_prefix) == (7, True)
    assert of[9].stages[1].data.corpora == ["meld"]


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith("source0/B")])
def test_the_rates_of_encoders_are_those_of_their_networks(name: str) -> None:
    """What reads a frozen network (a mixture of layers, attention) must not learn as slowly as it."""
    for stage in load_recipe(name).stages:
        assert set(stage.lr_groups) <= {"audio_encoder.network", "text_encoder.network"}

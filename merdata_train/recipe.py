"""Recipes: what to train, as data. YAML with one parent (`base:`) and dotted overrides, checked whole."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from merdata_train.errors import RecipeError

Metric = Literal["uar", "weighted_f1", "macro_f1", "accuracy"]
Modality = Literal["audio", "text"]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=1, allow_inf_nan=False)]

SAMPLES_PER_MS = 16  # the audio of a store is 16 kHz


def _distinct(names: list[str]) -> list[str]:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ValueError(f"{name!r} stands there twice")
    return names


# An empty list is refused: it would read as "none" to one person and as "all" to another.
Names = Annotated[list[str], Field(min_length=1), AfterValidator(_distinct)]


class Part(BaseModel):
    """A part of a recipe: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """Which rows of the store: corpora and languages by name, None for all."""

    corpora: Names | None = None
    languages: Names | None = None


class Mfcc(Part):
    """MFCC, mean and standard deviation over time: 2 x n_mfcc values (models.md 1.1)."""

    kind: Literal["mfcc"] = "mfcc"
    n_mfcc: Count = 80
    n_mels: Count = 128
    n_fft: Count = 512
    win_ms: Milliseconds = 25
    hop_ms: Milliseconds = 10

    @model_validator(mode="after")
    def _check(self) -> Mfcc:
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc {self.n_mfcc} is more than n_mels {self.n_mels}")
        if self.win_ms * SAMPLES_PER_MS > self.n_fft:
            raise ValueError(f"a window of {self.win_ms:g} ms is longer than n_fft {self.n_fft} at 16 kHz")
        return self


class Egemaps(Part):
    """eGeMAPS v02 through opensmile: 88 functionals of the clip (the extra `egemaps`)."""

    kind: Literal["egemaps"]


def _audio_kind(given: Any) -> str:
    """`mfcc` where nothing else is said."""
    kind = given.get("kind", "mfcc") if isinstance(given, dict) else getattr(given, "kind", "")
    return str(kind)


AudioFeatures = Mfcc | Egemaps


class Hashing(Part):
    """scikit-learn's HashingVectorizer over the transcript."""

    kind: Literal["hashing"] = "hashing"
    n_features: Count = 768
    ngrams: tuple[Count, Count] = (1, 1)

    @model_validator(mode="after")
    def _check(self) -> Hashing:
        shortest, longest = self.ngrams
        if shortest > longest:
            raise ValueError(f"ngrams must go up, not from {shortest} to {longest}")
        return self


class Features(Part):
    audio: Annotated[
        Annotated[Mfcc, Tag("mfcc")] | Annotated[Egemaps, Tag("egemaps")], Discriminator(_audio_kind)
    ] = Mfcc()
    text: Hashing = Hashing()


class Gated(Part):
    """Gated fusion of two vectors (source 0, section 3.1)."""

    kind: Literal["gated"]
    width: Count = 128
    hidden: Count = 256
    dropout: Share = 0.1


class Tokens(Part):
    """The modality-token Transformer (source 0, section 3.2)."""

    kind: Literal["tokens"]
    width: Count = 256
    layers: Count = 4
    heads: Count = 8
    ffn_mult: Count = 4
    ffn: Literal["swiglu", "gelu"] = "swiglu"
    dropout: Share = 0.1
    modality_embedding: bool = True

    @model_validator(mode="after")
    def _check(self) -> Tokens:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


ModelPart = Annotated[Gated | Tokens, Field(discriminator="kind")]
MODEL: TypeAdapter[Gated | Tokens] = TypeAdapter(ModelPart)


KINDS: dict[str, type[BaseModel]] = {"mfcc": Mfcc, "egemaps": Egemaps, "gated": Gated, "tokens": Tokens}


class Context(Part):
    """Earlier utterances of the dialogue, before the target in its text (source 0, section 2.3).

    `separate` hashes target and history into two blocks: in one, a long history drowns the target.
    """

    previous: Annotated[int, Field(ge=0)] = 0
    speaker_prefix: bool = True
    separate: bool = False


class Ema(Part):
    """Exponential moving average of the weights: it is what is validated, selected and saved."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999


class Balance(Part):
    """Draw rows by (1 / rows of the corpus)^corpus x (1 / rows of the class in the corpus)^class."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    corpus: Annotated[float, Field(ge=0)] = 1.0
    class_: Annotated[float, Field(ge=0, alias="class")] = 1.0


class Sampler(Part):
    """How an epoch draws its rows: with replacement, as many as there are (models.md 1.1).

    Without one every row comes once. `upweight` multiplies a corpus's weight; `mix` gives the shares of
    corpora or domains (acted, conversational), whatever their sizes.
    """

    balance: Balance | None = None
    upweight: dict[str, Positive] = {}
    mix: dict[str, Positive] = {}

    @model_validator(mode="after")
    def _check(self) -> Sampler:
        if self.mix and (self.balance or self.upweight):
            raise ValueError("a mix says all there is to say: take balance and upweight out")
        if not (self.mix or self.balance or self.upweight):
            raise ValueError("a sampler needs balance, upweight or mix; without one every row comes once")
        return self


class Loss(Part):
    label_smoothing: Share = 0.1
    class_weights: Literal["balanced", "none"] = "balanced"


class Plateau(Part):
    """ReduceLROnPlateau on the selection metric of the validation rows."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 3
    min_lr: Annotated[float, Field(ge=0)] = 1e-6


class Selection(Part):
    """The validation metric that chooses the epoch, and the rows that it is taken over.

    `over`: all rows; those of a domain (acted, conversational) or corpus; or several with + between them,
    whose mean counts (retention: acted+conversational).
    """

    metric: Metric = "uar"
    over: str = "all"


class Stage(Part):
    """One stage of training; `patience` is that of early stopping, in epochs.

    `init` is the folder of a run (or of its model) to start from; without one a stage goes on from the best
    weights of the stage before. `freeze` and `lr_groups` name modules, as in fusion.project. `data` narrows
    the recipe's, for train and validation. `selection` replaces the recipe's.
    """

    name: str = "main"
    epochs: Count = 100
    batch_size: Count = 256
    lr: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip: Positive = 1.0
    plateau: Plateau = Plateau()
    patience: Count = 10
    init: str | None = None
    freeze: list[str] = []
    lr_groups: dict[str, Positive] = {}
    sampler: Sampler | None = None
    data: Data = Data()
    selection: Selection | None = None


def _named_apart(stages: list[Stage]) -> list[Stage]:
    _distinct([stage.name for stage in stages])
    return stages


class Recipe(Part):
    """A whole recipe, resolved: all that defines a run but the rows."""

    name: str
    store: str = "store"
    protocol: str = "mer"
    fold: Annotated[int, Field(ge=0)] | str = 0  # number, or name as in loco
    labels: str = "mer7"
    data: Data = Data()
    modalities: Annotated[list[Modality], Field(min_length=1), AfterValidator(_distinct)] = ["audio", "text"]
    features: Features = Features()
    context: Context | None = None
    model: ModelPart
    modality_dropout: Share = 0.0
    ema: Ema | None = None
    loss: Loss = Loss()
    stages: Annotated[list[Stage], Field(min_length=1), AfterValidator(_named_apart)] = [Stage()]
    selection: Selection = Selection()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0  # numpy's limit

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if self.modality_dropout and len(self.modalities) < 2:
            raise ValueError("modality_dropout needs two modalities: a row keeps at least one")
        if self.context and "text" not in self.modalities:
            raise ValueError("context is text: modalities lacks text")
        return self

    def selection_of(self, stage: Stage) -> Selection:
        """What chooses the epoch of a stage."""
        return stage.selection or self.selection


def load_recipe(name: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A recipe from a file, or by the name of one that ships (`source0/A1`).

    Args:
        name: path or name.
        overrides: `dotted.key=value`, the value in YAML; items of lists by number (`stages.0.epochs=3`).

    Raises:
        RecipeError: with every fault of the recipe, each with its key.
    """
    path = _find(name)
    tree = _with_base(path, seen=())
    for override in overrides:
        _apply(tree, override)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        faults = "; ".join(_faults(error))
        raise RecipeError(f"{path}: {faults}") from error


def recipe_files() -> dict[str, Path]:
    """Name -> file of the recipes that ship with the package."""
    folder = recipe_folder()
    files = sorted(path for path in folder.rglob("*.yaml") if folder / "suites" not in path.parents)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def about(path: Path) -> str:
    """What a recipe is: the first line of its comments that does not name the command."""
    lines = [
        line.lstrip("# ").strip() for line in path.read_text("utf-8").splitlines() if line.startswith("#")
    ]
    return next((line for line in lines if line and not line.startswith("merdata_train")), "")


def recipe_folder() -> Path:
    """recipes/, which an installed package holds as `merdata_train/recipes`."""
    installed = Path(__file__).parent / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "recipes"


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    shipped = recipe_files()
    plain = str(name).removesuffix(".yaml").removeprefix("recipes/")
    if plain in shipped:
        return shipped[plain]
    hint = _did_you_mean(plain, shipped)
    raise RecipeError(f"there is no recipe {name}{hint}; `merdata_train recipes list` names those that ship")


def _with_base(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The YAML of a recipe, laid over that of its parent."""
    if path in seen:
        raise RecipeError(f"{path}: it is its own base")
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} is no recipe: it must be a mapping of keys")
    base = tree.pop("base", None)
    if base is None:
        return tree
    parent = (path.parent / str(base)).resolve()
    if not parent.is_file():
        raise RecipeError(f"{path}: base: there is no {parent}")
    return _merge(_with_base(parent, (*seen, path)), tree)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on `under`: parts key by key, stages one by one; a part of another kind replaces the whole."""
    return under | {key: _laid_over(under.get(key), value) for key, value in over.items()}


def _laid_over(below: Any, value: Any) -> Any:
    if isinstance(below, dict) and isinstance(value, dict) and _same_kind(below, value):
        return _merge(below, value)
    if _are_parts(below) and _are_parts(value):
        pairs = itertools.zip_longest(below, value)
        return [_laid_over(one, other) if one and other else one or other for one, other in pairs]
    return value


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _same_kind(below: dict[str, Any], value: dict[str, Any]) -> bool:
    return "kind" not in value or value["kind"] == below.get("kind")


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"override {override!r} is not of the form key=value, as in stages.0.epochs=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: {' '.join(str(error).split())}") from error
    *parents, last = key.split(".")
    place: Any = tree
    try:
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise RecipeError(f"override {override!r}: the recipe has no place {key}") from error


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"] if part not in KINDS)
        if fault["type"] == "extra_forbidden":
            known = _keys_beside(fault["loc"])
            yield f"{key}: unknown key{_did_you_mean(str(fault['loc'][-1]), known)}"
        else:
            says = fault["msg"].removeprefix("Value error, ")
            # A fault between keys names their values itself; the input would be the whole part.
            given = "" if fault["type"] in ("missing", "value_error") else f", not {fault['input']!r}"
            yield f"{key}: {says[0].lower()}{says[1:]}{given}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the part around `location` knows."""
    part: type[BaseModel] = Recipe
    for step in location[:-1]:
        if step in KINDS:
            part = KINDS[str(step)]
        elif step in part.model_fields:
            part = _part_in(part.model_fields[str(step)].annotation) or part
    return list(part.model_fields)


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The part that an annotation is, or that it is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _part_in(one))), None)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

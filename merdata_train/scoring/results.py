"""What a run writes down, as types: history.json, split.json, metrics.json and a comparison of runs."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict

Scores = dict[str, float]  # metric -> value
Intervals = dict[str, list[float]]  # metric -> [low, high]


class Epoch(TypedDict):
    """An epoch's entry in history.json.

    Attributes:
        loss: mean over the steps.
        losses: the parts of that sum, by the names of the losses.
        lr: of the stage's own parameter group.
        validation: metric -> its value on all validation rows.
        validation_loss: mean of -log p of the right class on these rows.
        selected: the value that chooses the epoch, on the validation rows of the stage.
        selected_loss: mean of -log p of the right class on the same rows; the lower one decides a tie.
    """

    stage: str
    epoch: int
    loss: float
    losses: NotRequired[dict[str, float]]
    lr: float
    validation: Scores
    validation_loss: NotRequired[float]
    selected: float
    selected_loss: NotRequired[float]


class SplitRecord(TypedDict):
    """split.json: the protocol and the rows that a run was trained on, counted by class."""

    protocol: str
    hash: str
    fold: int | str
    data: str
    train: dict[str, int]
    validation: dict[str, int]


class ClassScores(TypedDict):
    """One class of an account; `support` is the number of its gold rows."""

    precision: float
    recall: float
    f1: float
    support: float


class Confusion(TypedDict):
    """Rows: gold, columns: predicted, both in the order of `classes`."""

    classes: list[str]
    gold_by_predicted: list[list[int]]


class Account(TypedDict):
    """Everything that follows from gold and predicted labels alone.

    `by_cluster`, where there are too few speakers or dialogues for an interval: `n` and the metrics of each.
    `over`: `sentences` where these are resampled in their place.
    """

    n: int
    clusters: int
    scores: Scores
    intervals: Intervals | None
    resolvable: Scores | None
    absent: list[str]
    per_class: dict[str, ClassScores]
    confusion: Confusion
    by_cluster: NotRequired[dict[str, Scores]]
    over: NotRequired[str]


class CalibrationScores(TypedDict):
    """Expected calibration error, Brier score (0 to 2), negative log-likelihood (nats)."""

    ece: float
    brier: float
    nll: float


class Calibration(TypedDict):
    """Before and after scaling by a temperature that validation rows gave."""

    temperature: float
    before: CalibrationScores
    after: CalibrationScores


class CoveragePoint(TypedDict):
    """The surest `coverage` of the rows: `n` of them, whose confidence is `least` or more."""

    coverage: float
    n: int
    least: float
    accuracy: float
    uar: float
    intervals: Intervals | None


class Coverage(TypedDict):
    """Accuracy over coverage; the area under the curve of risk, and the least that its accuracy allows."""

    points: list[CoveragePoint]
    aurc: float
    aurc_interval: list[float] | None
    aurc_best: float


class SetAccount(Account):
    """An evaluation set in metrics.json."""

    baselines: dict[str, Scores]
    calibration: Calibration
    coverage: NotRequired[Coverage]


class GroupScores(TypedDict):
    """Test rows of one gender, language or speaker."""

    n: int
    scores: Scores
    intervals: Intervals | None


class Metrics(TypedDict):
    """metrics.json.

    Attributes:
        looks: how often the test set was evaluated by the runs of the folder, this look included.
        temperature: that calibrates the model's probabilities, from validation rows.
        sets: `overall`, `TestA`, `TestB`, every corpus; None for one without rows.
        groups: TestA and TestB -> gender, language, speaker -> value -> scores, as `groups.by_group` gives.
        texts: who wrote the texts, in a sentence, where it was not the corpora.
    """

    recipe: str
    protocol: str
    fold: int
    fold_name: str
    split_hash: str
    data_hash: str
    seed: int
    selection: str
    best_epoch: int
    temperature: float
    majority_class: str
    looks: str
    sets: dict[str, SetAccount | None]
    groups: dict[str, dict[str, dict[str, GroupScores]]]
    texts: NotRequired[str]


class Difference(TypedDict):
    """The difference of two systems in a metric; None where there are too few clusters to resample."""

    difference: float
    interval: list[float] | None
    resolvable: float | None
    p: float | None
    p_holm: NotRequired[float]
    significant: NotRequired[bool]


Differences = dict[str, Difference]  # by metric


class PerturbedScores(TypedDict):
    """An evaluation set at a step of a ladder; differences are minus the clean scores of the same rows."""

    n: int
    clusters: int
    scores: Scores
    intervals: Intervals | None
    against_clean: Differences


class Step(TypedDict):
    """A perturbation at a level, `clean` or a number as text, with the unit of the level."""

    kind: str
    level: str
    unit: str
    sets: dict[str, PerturbedScores]


class Robustness(TypedDict):
    """robustness.json: the clean scores by evaluation set, and those of each step that the run has."""

    run: str
    recipe: str
    protocol: str
    fold: int
    fold_name: str
    split_hash: str
    seed: int
    clean: dict[str, Scores]
    steps: list[Step]


def fold_title(fold: int, name: str) -> str:
    """How a text calls a fold: by its number, and by the name that its protocol has for it."""
    return f"fold {fold}" if name == f"fold{fold}" else f"fold {fold} ({name})"


class Spread(TypedDict):
    """Mean over seeds or folds, standard deviation (n - 1) and 95 % t-interval; None with one value."""

    n: int
    mean: float
    std: float | None
    interval: list[float] | None


class Value(Spread):
    """A number of a table: its spread, and its 95 % interval over resampled clusters."""

    bootstrap: list[float] | None


class Effect(TypedDict):
    """Cohen's g with its 95 % interval."""

    value: float
    interval: list[float] | None


class Pair(TypedDict):
    """Two runs on one evaluation set; differences are `other` - `one`."""

    one: str
    other: str
    cohens_g: Effect
    metrics: Differences


class ComparedSet(TypedDict):
    """All pairs of runs on one evaluation set."""

    n: int
    clusters: int
    pairs: list[Pair]


class RunFacts(TypedDict):
    """What a compared run is."""

    run: str
    recipe: str
    protocol: str
    fold: int
    fold_name: str
    split_hash: str
    seed: int
    selection: str


class Comparison(TypedDict):
    """What `compare` finds, by evaluation set."""

    runs: list[RunFacts]
    sets: dict[str, ComparedSet]

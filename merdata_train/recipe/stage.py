"""The stages of a recipe: the loss, what is trained and how fast, what chooses the epoch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from merdata_train.parts.part import Count, Metric, Names, Part, Positive, Share
from merdata_train.recipe.data import Rows, Sampler


class Ema(Part):
    """Exponential moving average of the weights, which is what is validated, selected and saved."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999


class Plateau(Part):
    """ReduceLROnPlateau on the selection metric of the validation rows."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 3
    min_lr: Annotated[float, Field(ge=0)] = 1e-6


class OneCycle(Part):
    """OneCycleLR, step by step: the rates rise for `rise` of the steps from a `start`-th, then fall.

    They end at a `start * end`-th of themselves (Smith and Topin, arXiv:1708.07120).
    """

    rise: Annotated[float, Field(gt=0, lt=1)] = 0.1
    start: Positive = 25.0
    end: Positive = 1e4


class Start(Part):
    """Modules that start from another run: `from` as in `init`, `modules` as in `freeze`."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: Annotated[str, Field(alias="from")]
    modules: Names


class Selection(Part):
    """The validation metric that chooses the epoch, and the rows that it is computed on.

    `over`: all rows; the rows of a domain (acted, conversational) or corpus; or several of these joined by +,
    and then the mean of their values counts (acted+conversational keeps what was learned before fine-tuning).
    `loss` is the mean of -log p of the right class; the lowest is chosen. `oracle` allows validation rows of
    a corpus whose train rows the recipe calls unlabelled: what it chooses is an upper bound, and says so.
    """

    metric: Literal[Metric, "loss"] = "uar"
    over: str = "all"
    oracle: bool = False


class Stage(Part):
    """One stage of training; `patience` is that of early stopping, in epochs.

    `batch_size` rows make a step. With encoders a step is computed in micro-batches of at most
    `batch_seconds` padded seconds per device; `checkpointing` computes activations twice to hold fewer of
    them. `warmup` is the share of the steps over which the learning rates rise.

    The highest layer of an encoder has the learning rate of its group, each layer below it `llrd` times the
    rate of the one above; what is in no layer counts as one layer more.

    `schedule` is how the rates move: plateau and one_cycle have keys of their own. `drop_last` leaves out an
    epoch's last step where it is not full.

    `init` is the folder of a run to start from, or names of recipes: then the stage starts
    from the one of their finished runs on the same rows and split that validation finds best; or modules of
    runs, as in {from: source2/speech, modules: [branches.audio]}. Without it a stage continues from the best
    weights of the stage before. `freeze` and `lr_groups` name modules, as in fusion.project; `freeze_epochs`
    and `freeze_steps` freeze modules for the first epochs or steps of the stage. The encoder of a modality
    that the recipe does not use is ignored. `data` narrows the recipe's
    data, for train and validation. `selection` replaces the recipe's.
    """

    name: str = "main"
    epochs: Count = 100
    batch_size: Count = 256
    lr: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip: Positive = 1.0
    warmup: Share = 0.0
    batch_seconds: Positive = 160
    checkpointing: bool = False
    optimizer: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["plateau", "one_cycle", "none"] = "plateau"
    plateau: Plateau = Plateau()
    one_cycle: OneCycle = OneCycle()
    drop_last: bool = False
    patience: Count = 10
    init: str | list[str] | Start | list[Start] | None = None
    freeze: list[str] = Field(default=[])
    freeze_epochs: dict[str, Count] = Field(default={})
    freeze_steps: dict[str, Count] = Field(default={})
    lr_groups: dict[str, Positive] = Field(default={})
    llrd: Annotated[float, Field(gt=0, le=1)] = 1.0
    sampler: Sampler | None = None
    data: Rows = Rows()
    selection: Selection | None = None

    def wholes(self) -> list[str]:
        """Names of recipes, or folders, of which the stage starts from the best as a whole."""
        given = self.init if isinstance(self.init, list) else [self.init]
        return [name for name in given if isinstance(name, str)]

    def starts(self) -> list[Start]:
        """The runs that single modules start from."""
        given = self.init if isinstance(self.init, list) else [self.init]
        return [start for start in given if isinstance(start, Start)]

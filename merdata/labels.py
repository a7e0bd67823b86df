"""Label spaces and label policies: raw labels become classes by name, never by number.

A corpus states the default target of each of its raw labels (`Corpus.targets`). A policy changes some of
them; a label space other than the store's own is computed from the raw labels (`label_spaces.yaml`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from merdata.errors import PolicyError, did_you_mean, reason_of
from merdata.io.strict_yaml import read_yaml

DROP, KEEP = "drop", "keep"


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task, in their one order.

    `targets` is set where the space is defined by raw labels of particular corpora (IEMOCAP-4, IEMOCAP-6):
    corpus -> raw label -> class. Raw labels that are not named there have no class in the space; nor have
    other corpora, unless `others` says that their rows keep the class that they were stored with.
    """

    name: str
    classes: tuple[str, ...]
    targets: Mapping[str, Mapping[str, str]] | None = None
    others: bool = False


@cache
def label_spaces() -> dict[str, LabelSpace]:
    """The built-in spaces, by name, from `label_spaces.yaml`."""
    table = yaml.safe_load((files("merdata") / "label_spaces.yaml").read_text("utf-8"))
    return {
        name: LabelSpace(
            name, tuple(entry["classes"]), entry.get("targets"), others=entry.get("others", False)
        )
        for name, entry in table.items()
    }


@cache
def vad_prototypes() -> dict[str, tuple[float, float, float]]:
    """Class -> valence, arousal, dominance, each in [-1, 1], from `vad_prototypes.yaml`."""
    table = yaml.safe_load((files("merdata") / "vad_prototypes.yaml").read_text("utf-8"))
    return {name: (valence, arousal, dominance) for name, (valence, arousal, dominance) in table.items()}


def label_space(name: str) -> LabelSpace:
    """The space of that name.

    Raises:
        PolicyError: there is none.
    """
    spaces = label_spaces()
    if name not in spaces:
        raise PolicyError(f"no label space is called {name!r}; there are {', '.join(spaces)}")
    return spaces[name]


@dataclass(frozen=True)
class Decision:
    """What a policy makes of one raw label.

    Attributes:
        keep: whether rows of this raw label stay in the store.
        target: the class, or None for a row that is kept without a label.
        note: what is written into the row's notes, where there was something to decide.
    """

    keep: bool
    target: str | None
    note: str | None = None


NO_DECISION = Decision(keep=False, target=None)  # of a file that is not a row, or a row without a label


@dataclass(frozen=True)
class LabelPolicy:
    """For every corpus and raw label, the decision. Made by `make_policy`."""

    space: LabelSpace
    decisions: Mapping[str, Mapping[str, Decision]]

    def decide(self, corpus: str, raw_label: str | None, where: str) -> Decision:
        """The decision for a row; one without a label is dropped.

        Raises:
            PolicyError: the corpus states no target for this raw label.
        """
        known = self.decisions[corpus]
        if raw_label is None:
            return NO_DECISION
        if raw_label not in known:
            raise PolicyError(
                f"{corpus} has an unknown raw label {raw_label!r} in {where}; "
                f"known are {', '.join(known)}. Correct the file, or name the label in the corpus's targets"
            )
        return known[raw_label]

    def table(self, corpus: str) -> dict[str, str]:
        """raw label -> class, `keep` (without a label) or `drop`, as `merdata.json` records it."""
        return {
            raw: (decision.target or KEEP) if decision.keep else DROP
            for raw, decision in self.decisions[corpus].items()
        }


def make_policy(
    targets: Mapping[str, Mapping[str, str | None]],
    changes: Iterable[str] = (),
    space: str = "mer7",
    debatable: Mapping[str, Collection[str]] | None = None,
) -> LabelPolicy:
    """The default targets of some corpora with changes such as `contempt=disgust` or `mead.contempt=drop`.

    Args:
        targets: corpus -> raw label -> default class (None: rows are dropped).
        changes: `[CORPUS.]RAW=TARGET`, where TARGET is a class, `drop`, or `keep` (row kept, unlabelled).
            A raw label without a corpus stands for that label in every corpus that has it, whatever its case.
        space: name of the label space.
        debatable: corpus -> raw labels whose default is a decision of ours; it is noted on their rows too.

    Raises:
        PolicyError: a change is malformed, or names a raw label or a class that does not exist.
    """
    label = label_space(space)
    decisions = {
        corpus: {
            raw: _decision(raw, target or DROP, noted=raw in (debatable or {}).get(corpus, ()))
            for raw, target in raws.items()
        }
        for corpus, raws in targets.items()
    }
    for change in changes:
        raw_name, target = _parse_change(change, label)
        for corpus, raw in _matches(raw_name, decisions):
            decisions[corpus][raw] = _decision(raw, target, noted=True)
    return LabelPolicy(label, decisions)


def _decision(raw: str, target: str, noted: bool) -> Decision:
    note = f"label policy: {raw} -> {target}" if noted else None
    return Decision(target != DROP, None if target in (DROP, KEEP) else target, note)


def read_policy(path: Path) -> list[str]:
    """The changes of a policy file: YAML of `raw: target`, or of `corpus: {raw: target}`.

    Raises:
        PolicyError: it cannot be read, is not of that form, or has a label twice.
    """
    try:
        tree = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise PolicyError(f"cannot read the policy {path}: {reason_of(error)}") from error
    if not isinstance(tree, dict):
        raise PolicyError(f"{path} is not a policy: it must be a mapping such as `contempt: disgust`")
    changes = []
    for name, value in tree.items():
        inner = (
            {f"{name}.{raw}": target for raw, target in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        changes += [f"{raw}={target}" for raw, target in inner.items()]
    _refuse_twice(changes, path)
    return changes


def _refuse_twice(changes: Iterable[str], path: Path) -> None:
    """Refuse a file with a label in two spellings: their case does not matter, so the last would win."""
    first: dict[str, str] = {}
    for change in changes:
        raw = change.partition("=")[0].strip()
        if (before := first.setdefault(raw.lower(), change)) is not change:
            raise PolicyError(f"the policy {path} has {raw} twice, as {before} and {change}: delete one")


def _parse_change(change: str, space: LabelSpace) -> tuple[str, str]:
    raw_name, equals, target = (part.strip() for part in change.partition("="))
    if not (raw_name and equals and target):
        raise PolicyError(f"policy {change!r} is not of the form RAW=TARGET, as in contempt=disgust")
    allowed = [*space.classes, DROP, KEEP]
    if target not in allowed:
        raise PolicyError(
            f"policy {change!r}: {target!r} is not a class of {space.name}{did_you_mean(target, allowed)}; "
            f"allowed are {', '.join(allowed)}"
        )
    return raw_name, target


def _matches(raw_name: str, decisions: Mapping[str, Mapping[str, Decision]]) -> list[tuple[str, str]]:
    named = {
        (corpus, raw): (raw.lower(), f"{corpus}.{raw}".lower())
        for corpus, raws in decisions.items()
        for raw in raws
    }
    found = [key for key, names in named.items() if raw_name.lower() in names]
    if not found:
        known = sorted({raw for raws in decisions.values() for raw in raws})
        raise PolicyError(
            f"policy names the raw label {raw_name!r}, which {' and '.join(decisions)} "
            f"{'does' if len(decisions) == 1 else 'do'} not have{did_you_mean(raw_name, known)}; "
            f"known are {', '.join(known)}"
        )
    return found


def classify(space: LabelSpace, corpus: str, raw_label: str, stored: str | None) -> str | None:
    """The class of a stored row in `space`: by its raw label where the space says so, else as stored."""
    if space.targets is None or (space.others and corpus not in space.targets):
        return stored if stored in space.classes else None
    return space.targets.get(corpus, {}).get(raw_label)

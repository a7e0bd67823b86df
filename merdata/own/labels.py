"""Labels of one's own corpus: those that name a class map themselves, the others need somebody's decision."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import yaml

from merdata.errors import PolicyError
from merdata.io.outside import cut
from merdata.labels import DROP, KEEP
from merdata.own.words import meaning

MOST = 100  # labels that are listed for a decision; beyond that they are no labels
SHORTEST = 2  # letters of a code, such as `ha`, for it to be taken for the beginning of a class


@cache
def obvious() -> dict[str, str]:
    """What names a class beyond doubt -> the class (`labels.yaml`)."""
    table: dict[str, list[str]] = yaml.safe_load((files(__package__) / "labels.yaml").read_text("utf-8"))
    return {word: name for name, words in table.items() for word in words}


def targets_of(labels: Iterable[str]) -> dict[str, str | None]:
    """Raw label -> its class, or None where that is not beyond doubt."""
    return {raw: obvious().get(raw.strip().casefold()) for raw in sorted(set(labels))}


def refuse_undecided(
    corpus: str,
    targets: Mapping[str, str | None],
    counts: Counter[str],
    changes: Collection[str],
    columns: Sequence[str],
) -> None:
    """Refuse labels that neither name a class nor stand in the policy; the message has the lines to write.

    Args:
        corpus: its name.
        targets: raw label -> class or None.
        counts: raw label -> rows.
        changes: of the policy, `[CORPUS.]RAW=TARGET`.
        columns: of the labels, and others of the table that are called like one.

    Raises:
        PolicyError: there are some.
    """
    decided = {change.partition("=")[0].strip().casefold() for change in changes}
    decided |= {name.removeprefix(f"{corpus}.") for name in decided}
    undecided = [raw for raw, target in targets.items() if target is None and raw.casefold() not in decided]
    if not undecided:
        return
    raise PolicyError(_question(corpus, undecided, counts, *columns))


def _question(corpus: str, undecided: Sequence[str], counts: Counter[str], column: str, *others: str) -> str:
    other = f" Is {' or '.join(others)} the column of labels? Then rename {column}." if others else ""
    if len(undecided) > MOST:
        return (
            f"{corpus}: the column {column} has {len(undecided):,} values that do not name a class "
            f"({cut(', '.join(undecided))}): is it the column of labels?{other}"
        )
    lines = "\n".join(f"  {_quoted(raw)}: {_guess(raw)}  # {counts[raw]:,} rows" for raw in undecided)
    return (
        f"{corpus}: {len(undecided)} of its labels, in the column {column}, do not name a class.{other} "
        "Write what they are into a file and pass --policy-file FILE (a class, or "
        f"`{DROP}`: without these rows, or `{KEEP}`: without a label); these lines are a guess:\n{lines}"
    )


def _guess(raw: str) -> str:
    """The class that a label probably means, for the user to look at; `drop` where nothing is near."""
    word = raw.strip().casefold()
    begin = [name for known, name in obvious().items() if len(word) >= SHORTEST and known.startswith(word)]
    near = [obvious()[known] for known in difflib.get_close_matches(word, obvious(), n=1, cutoff=0.75)]
    return meaning(raw) or next(iter([*begin, *near]), DROP)


def _quoted(raw: str) -> str:
    """A label as a YAML key: in quotes wherever YAML could read something else."""
    return (
        raw
        if raw.isalpha() and len(raw) > 3 and raw.casefold() != "null"
        else "'" + raw.replace("'", "''") + "'"
    )

"""Make a protocol of a store; the kinds by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from merdata.errors import SplitError, did_you_mean
from merdata.splits.draft import COLUMNS, Draft, Facts, Options
from merdata.splits.kinds.kfold import GROUPS, make_kfold, make_loso
from merdata.splits.kinds.loco import make_loco
from merdata.splits.kinds.mer import make_mer
from merdata.splits.kinds.official import make_official
from merdata.splits.kinds.one_speaker import make_one_speaker, make_one_speaker_text
from merdata.splits.kinds.sampled import make_fewshot, make_random
from merdata.splits.kinds.speaker import make_speaker
from merdata.splits.kinds.text import make_speaker_text, make_text
from merdata.store.keep import keep_protocol
from merdata.store.protocol import (
    SPLITS,
    TEST,
    TRAIN,
    Properties,
    Protocol,
    check_name,
    make_folds,
    rows_hash,
)
from merdata.store.store import Store, open_store


@dataclass(frozen=True)
class Kind:
    """A kind of protocol.

    Attributes:
        make: rows, facts of the corpora and the options to a draft; its docstring says what the kind is.
        takes: the options that it has.
        name: of the protocol, where one store can have several; `{by}` and `{folds}` are filled in.
        untested: whether it may leave no row to test, with a note; the others refuse.
    """

    make: Callable[[pd.DataFrame, Facts, Options], Draft]
    takes: tuple[str, ...] = ()
    name: str = ""
    untested: bool = False


KINDS = {
    "mer": Kind(make_mer, ("ratios",), untested=True),
    "official": Kind(make_official),
    "speaker": Kind(make_speaker, ("ratios",)),
    "kfold": Kind(make_kfold, ("folds", "by"), "{by}{folds}"),
    "loso": Kind(make_loso),
    "loco": Kind(make_loco),
    "text": Kind(make_text, ("ratios",)),
    "speaker+text": Kind(make_speaker_text, ("ratios",)),
    "one-speaker": Kind(make_one_speaker),
    "one-speaker+text": Kind(make_one_speaker_text, ("folds",)),
    "random": Kind(make_random, ("ratios",)),
    "fewshot": Kind(make_fewshot, ("whole",)),
}


def split(
    store: str | Path | Store,
    protocol: str = "mer",
    seed: int = 0,
    *,
    name: str | None = None,
    corpora: Iterable[str] | None = None,
    ratios: tuple[float, float, float] | None = None,
    folds: int | None = None,
    by: str | None = None,
    whole: Iterable[str] | None = None,
) -> Protocol:
    """Make a protocol, write its table into the store and its configs into the store's README.md.

    Args:
        store: the store, or its folder.
        protocol: the kind, one of KINDS.
        seed: of the assignment.
        name: of the protocol (default: the kind, after the corpus's name where one corpus was chosen; folds
            say what they keep whole and how many they are, as in `iemocap_session5`).
        corpora: only these; the others are in no split.
        ratios: shares of train, validation and test, met within one group.
        folds: how many (kfold).
        by: what a fold keeps whole: speaker, session or text (kfold).
        whole: further corpora, with all their rows in every fold (fewshot).

    Raises:
        CorpusNotFound: the store holds no such corpus.
        SplitError: there is no such kind, it does not have such an option, or the rows do not allow it; the
            message names the nearest protocol that is possible.
        StoreError: the store cannot be read or written.
    """
    kind = _kind(protocol)
    store = open_store(store)
    corpora = None if corpora is None else store.named(corpora)
    beside = store.named(whole) if whole else None
    options = _checked(protocol, Options(seed, ratios, folds, by, beside))
    rows = rows_of(store, [*corpora, *(beside or [])] if corpora else None)
    draft = kind.make(rows, store.corpora, options)
    if (
        draft.undivided
        and not kind.untested
        and not any((part == TEST).any() for part in draft.folds.values())
    ):
        raise SplitError(f"{'; '.join(draft.notes)}; the nearest is {draft.nearest}")
    chosen = sorted(set(rows["corpus"]) - set(beside or []))
    name = check_name(name or _default_name(protocol, chosen if corpora else [], draft, options))
    facts = {"kind": protocol, "seed": seed, "chosen": corpora is not None, **options.given}
    made = finish(store, name, draft, facts, rows)
    keep_protocol(store, made)
    return made


def rows_of(store: Store, corpora: Iterable[str] | None) -> pd.DataFrame:
    """The columns that the kinds use, sorted by id: a split does not depend on the order of rows.

    Raises:
        CorpusNotFound: the store holds no such corpus.
    """
    rows: pd.DataFrame = store.rows(COLUMNS, store.named(corpora)).select(COLUMNS).to_pandas()
    return rows.sort_values("id", ignore_index=True)


def finish(store: Store, name: str, draft: Draft, facts: dict[str, Any], rows: pd.DataFrame) -> Protocol:
    """A draft as a protocol: its options, what it claims, and what its rows show by themselves."""
    corpora = sorted(set(rows["corpus"]))
    hint = "; fewer folds or another --seed may give it some" if facts["kind"] in KINDS else ""
    placed, lone = _placed(rows, draft), list(draft.folds) == [0]
    properties = {
        **facts,
        "corpora": corpora,
        "rows": rows_hash(store, corpora),
        "claims": draft.claims,
        "notes": [
            *draft.notes,
            *_unknown_speakers(placed, draft),
            *_absent_splits(placed, draft),
            *_absent_classes(placed, hint),
        ],
        "speaker_dependent": _speaker_dependent(placed),
        "fold_names": {} if lone else {str(fold): called for fold, called in draft.names.items()},
    }
    return make_folds(name, draft.folds, cast("Properties", properties))


def _kind(protocol: str) -> Kind:
    if protocol not in KINDS:
        hint = did_you_mean(protocol, KINDS)
        raise SplitError(f"there is no kind of protocol {protocol!r}{hint}; there are {', '.join(KINDS)}")
    return KINDS[protocol]


def _checked(protocol: str, options: Options) -> Options:
    """The options, if the kind has them and they are possible at all."""
    for option in options.given:
        if option not in KINDS[protocol].takes:
            takers = " or ".join(name for name, kind in KINDS.items() if option in kind.takes)
            raise SplitError(f"--protocol {protocol} takes no --{option}: leave it out, or choose {takers}")
    shares = options.ratios
    if shares and not (len(shares) == 3 and min(shares) > 0 and abs(sum(shares) - 1) < 1e-6):
        given = "/".join(f"{100 * share:g}" for share in shares)
        raise SplitError(
            "--ratios: the percentages of train, validation and test must be positive and add up to 100, "
            f"not {given}"
        )
    if options.folds is not None and options.folds < 2:
        raise SplitError(f"--folds must be 2 or more, not {options.folds}")
    if options.by is not None and options.by not in GROUPS:
        raise SplitError(f"--by takes one of {', '.join(GROUPS)}, not {options.by!r}")
    return options


def _default_name(protocol: str, corpora: list[str], draft: Draft, options: Options) -> str:
    by = options.by or draft.by
    name = KINDS[protocol].name.format(by=by, folds=len(draft.folds)) or protocol
    return f"{corpora[0]}_{name}" if len(corpora) == 1 else name


def _placed(rows: pd.DataFrame, draft: Draft) -> pd.DataFrame:
    """fold, split, corpus, speaker and label of every row that a fold uses."""
    known = rows.set_index("id")[["corpus", "speaker", "label"]].astype("category")
    parts = [
        known.take(known.index.get_indexer(split.index)).assign(split=split.to_numpy(), fold=fold)
        for fold, split in draft.folds.items()
    ]
    return pd.concat(parts).astype({"split": "category"})


def _absent_splits(placed: pd.DataFrame, draft: Draft) -> list[str]:
    """A sentence for each split that has no row in a fold, or none of a corpus in any fold."""
    by_fold, by_corpus = _rows_of_splits(placed, "fold"), _rows_of_splits(placed, "corpus")
    empty = [split for split in SPLITS if (by_fold[split] == 0).any()]
    of_folds = {split: _of_folds(sorted(by_fold.index[by_fold[split] == 0])) for split in empty}
    of_corpora = [
        f"{corpus} has no rows in {' and '.join(counts.index[counts == 0])}"
        for corpus, counts in by_corpus.drop(draft.undivided, errors="ignore").iterrows()
        if (counts == 0).any()
    ]
    untested = (placed["split"] != TEST).all()
    nearest = f"; the nearest protocol that tests is {draft.nearest}" if untested and draft.nearest else ""
    hint = {TEST: f": nothing trained on this protocol can be scored{nearest}"} if untested else {}
    return [
        *(f"there are no rows in {split}{where}{hint.get(split, '')}" for split, where in of_folds.items()),
        *of_corpora,
    ]


def _rows_of_splits(placed: pd.DataFrame, by: str) -> pd.DataFrame:
    """How many rows each split has, by fold or corpus."""
    # not pd.crosstab: that of pandas 3.0 refuses ids that several folds have
    sizes = placed.groupby([by, "split"], observed=True).size()
    return sizes.unstack(fill_value=0).reindex(columns=SPLITS, fill_value=0)


def _absent_classes(placed: pd.DataFrame, hint: str) -> list[str]:
    """A sentence for each split of a corpus that lacks classes that the corpus has."""
    counts = placed.groupby(["corpus", "label", "split", "fold"], observed=False).size()
    there = placed.groupby(["corpus", "split", "fold"], observed=True).size()
    ever = placed.groupby(["corpus", "label"], observed=True).size()
    folds: dict[tuple[str, str, str], list[int]] = {}
    for corpus, label, split, fold in counts.index[counts == 0]:
        if (corpus, label) in ever.index and (corpus, split, fold) in there.index:
            folds.setdefault((corpus, split, label), []).append(fold)
    labels: dict[tuple[str, str, str], list[str]] = {}
    for (corpus, split, label), lacking in sorted(folds.items()):
        labels.setdefault((corpus, split, _of_folds(lacking)), []).append(label)
    return [
        f"{corpus} has no {', '.join(absent)} in {split}{where}{hint}"
        for (corpus, split, where), absent in labels.items()
    ]


def _of_folds(folds: list[int]) -> str:
    return "" if folds == [0] else f" of fold {', '.join(map(str, folds))}"


def _unknown_speakers(placed: pd.DataFrame, draft: Draft) -> list[str]:
    """A sentence for each tested corpus that names no speakers, where the draft has none yet."""
    tested = placed[placed["split"] == TEST]
    unknown = tested["speaker"].isna().groupby(tested["corpus"], observed=True).all()
    said = [f"{corpus} does not say who speaks" for corpus in unknown.index[unknown]]
    return [
        f"{what}: the speakers of its test rows may be in train"
        for what in said
        if not any(note.startswith(what) for note in draft.notes)
    ]


def _speaker_dependent(placed: pd.DataFrame) -> list[str]:
    """Corpora of which some fold tests speakers that it trains on."""
    keys = ["fold", "corpus", "speaker"]
    known = placed.dropna(subset=["speaker"])
    sides = [known.loc[known["split"] == split, keys].drop_duplicates() for split in (TRAIN, TEST)]
    return sorted({str(corpus) for corpus in sides[0].merge(sides[1], on=keys)["corpus"]})

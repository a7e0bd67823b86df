"""What the corpus doctor makes of real listings, by names alone and without an edit.

    PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_doctor.py ../shared/data/filelists

A listing is right where every audio file is a row of the proposal or named as unmatched (as many rows as the
corpus's own reader has, or more), and its rows fall into the same groups by label and by speaker as with that
reader. Where the names do not say it (tables do), nothing must be proposed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from merdata.corpora.corpus import Corpus
from merdata.corpora.declared.load import check_declaration, corpus_of
from merdata.corpora.registry import registry
from merdata.corpora.tree import Tree
from merdata.errors import MerdataError
from merdata.io.strict_yaml import load_yaml
from merdata.own.doctor.beside import Beside
from merdata.own.doctor.proposal import ASKED, propose_for

SAME = 0.99  # of the rows
Column = dict[str, str]


def tree_of(paths: list[str], name: str = "") -> Tree:
    """A folder with these files, which is on no disk."""
    return Tree(Path("/a/folder"), tuple(map(PurePosixPath, paths)), {}, name)


def told_by(corpus: Corpus, paths: list[str]) -> tuple[Column, Column]:
    """Label and speaker of each file that is a row."""
    rows = [row for row in corpus.read(tree_of(paths, corpus.name)) if row.source and row.excluded is None]
    labels = {str(row.source): row.raw_label for row in rows if row.raw_label and row.raw_label != ASKED}
    return labels, {str(row.source): row.speaker for row in rows if row.speaker}


def same_groups(column: Column, truth: Column) -> float:
    """The share of files that two groupings put together, the smaller of the two ways round."""
    shares = []
    for one, other in ((column, truth), (truth, column)):
        pairs: dict[str | None, Counter[str | None]] = {}
        for path in truth:
            pairs.setdefault(one.get(path), Counter())[other.get(path)] += 1
        shares.append(sum(max(own.values()) for own in pairs.values()) / len(truth))
    return min(shares)


def verdict(column: Mapping[str, str], truth: Mapping[str, str]) -> tuple[str, bool]:
    if not truth:
        return ("not in the names", True) if not column else ("proposed, but not in the names", False)
    if not column:
        return "asked", False
    share = same_groups(dict(column), dict(truth))
    return f"{share:.1%}", share >= SAME


def measure(listing: Path) -> tuple[list[str], bool]:
    """A row of the table, and whether all of it is right."""
    paths = list(dict.fromkeys(line.split("\t")[0] for line in listing.read_text("utf-8").splitlines()))
    start = time.perf_counter()
    proposal = propose_for(tree_of(paths), paths, Beside())
    seconds = time.perf_counter() - start
    own = corpus_of(check_declaration(load_yaml(proposal.text), listing.name), Path("x.yaml"))
    labels, speakers = told_by(own, paths)
    name = listing.stem.partition("_")[0]
    try:
        true_labels, true_speakers = told_by(registry()[name], paths)
    except (MerdataError, KeyError):
        true_labels, true_speakers = {}, {}
    rows = proposal.outcome["rows"]
    cells = [verdict(labels, true_labels), verdict(speakers, true_speakers)]
    counted = rows + len(proposal.outcome["unmatched"]) == len(paths) and rows >= SAME * len(true_labels)
    right = counted and all(good for _, good in cells)
    row = [listing.stem, f"{len(paths):,}", f"{rows:,}", *(text for text, _ in cells), f"{seconds:.1f}"]
    return [*row, "yes" if right else "no"], right


def main(folder: Path) -> None:
    listings = sorted(folder.glob("*.tsv"))
    print("| listing | audio files | rows | label groups | speaker groups | s | right |")
    print("|---|---:|---:|---:|---:|---:|---|")
    good = 0
    for listing in listings:
        row, right = measure(listing)
        good += right
        print(f"| {' | '.join(row)} |", flush=True)
    print(f"\n{good} of {len(listings)} right")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

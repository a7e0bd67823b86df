"""What `merdata audit` prints on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from merdata.leakage.audit import Audit
from merdata.leakage.overlap import Finding
from merdata.leakage.probes import TextProbe
from merdata.leakage.texts import SameText
from merdata.store.protocol import TEST, VALIDATION
from merdata.tables.table import console, table

MOST_EXAMPLES = 6
EXAMPLE = 20  # characters of an example
UNBALANCED = 0.1  # total variation from the corpus, from which on a split is shown


def audited(audits: Iterable[Audit]) -> None:
    """Tables for each protocol; what holds for the whole store comes once, at the end."""
    screen = console()
    for audit in audits:
        screen.print(f"protocol {audit.protocol}, SHA-256 {audit.hash[:12]}")
        for made in tables(audit):
            screen.print(made)
        for remark in remarks(audit):
            screen.print(remark, soft_wrap=True)
        screen.print(f"protocol {audit.protocol}: {promises(audit)}\n")
    for line in recordings(audit):
        screen.print(line, soft_wrap=True)


def promises(audit: Audit) -> str:
    """How many of its promises a protocol keeps."""
    made = sum(finding.claimed for finding in audit.findings)
    return f"{made - len(audit.broken)} of {made} promises hold"


def tables(audit: Audit) -> list[Table]:
    """What is shared with train, which texts, and what text alone tells; those that have rows."""
    return [made for made in (_overlaps(audit), _texts(audit), _probes(audit)) if made.row_count]


def _overlaps(audit: Audit) -> Table:
    made = table(
        "shared with train", "corpus", "#validation", "#test", "#values of test", "verdict", "for example"
    )
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in audit.findings:
        groups.setdefault((finding.shared, finding.corpus), []).append(finding)
    for (shared, corpus), findings in groups.items():
        example = next((name for one in reversed(findings) for name in one.examples), "")
        shown = "" if shared == "audio" else _short(example.removeprefix(f"{corpus}/"))
        sides = [[one for one in findings if one.evaluation == side] for side in (VALIDATION, TEST)]
        made.add_row(shared, corpus, *map(_rows, sides), _values(sides[1]), _verdict(findings), shown)
    if len({finding.fold for finding in audit.findings}) > 1:
        made.caption = "numbers are sums over the folds (--json has each fold)"
    return made


def _rows(folds: list[Finding]) -> str:
    return f"{sum(one.rows for one in folds):,} of {sum(one.of_rows for one in folds):,}" if folds else "-"


def _values(folds: list[Finding]) -> str:
    return (
        f"{sum(one.values for one in folds):,} of {sum(one.of_values for one in folds):,}" if folds else "-"
    )


def _verdict(findings: list[Finding]) -> str:
    broken = sorted({one.fold for one in findings if one.broken})
    if broken:
        return "PROMISE BROKEN" + (f" in fold {', '.join(map(str, broken))}" if broken != [0] else "")
    if any(one.claimed for one in findings):
        return "promise kept"
    return "disjoint" if all(one.disjoint for one in findings) else "shared"


def _short(text: str) -> str:
    return text if len(text) <= EXAMPLE else f"{text[: EXAMPLE - 1]}…"


def _texts(audit: Audit) -> Table:
    """By length where some texts are new; one line where all are old."""
    made = table("test texts in train", "corpus", "#rows", "#share", "#right by look-up", "for example")
    lengths: dict[str, dict[str, list[SameText]]] = {}
    for one in audit.same_texts:
        lengths.setdefault(one.corpus, {}).setdefault(one.length, []).append(one)
    for corpus, of_length in lengths.items():
        new = any(one.rows < one.of_rows for one in of_length["all"])
        for length, folds in of_length.items():
            found, rows = sum(one.rows for one in folds), sum(one.of_rows for one in folds)
            if length == "all" or (new and found):
                right = f"{sum(one.right for one in folds) / found:.1%}" if found else "-"
                example = _short(next((name for one in folds for name in one.examples), ""))
                made.add_row(length, corpus, f"{found:,} of {rows:,}", f"{found / rows:.1%}", right, example)
    return made


def _probes(audit: Audit) -> Table:
    made = table("text alone tells", "#rows", "#chance", "#look-up UAR", "#linear UAR", "#majority", "")
    for probe in audit.text_probes:
        made.add_row(
            f"the emotion, {probe.corpus}",
            f"{probe.rows:,}",
            f"{probe.chance:.3f}",
            f"{probe.lookup_uar:.3f}",
            f"{probe.linear_uar:.3f}",
            f"{probe.majority:.3f}",
            _remark(probe),
        )
    one = audit.corpus_probe
    if one:
        cells = [f"{one.rows:,}", f"{one.chance:.3f}", f"{one.lookup_uar:.3f}", f"{one.linear_uar:.3f}"]
        made.add_row(f"the corpus, of {one.corpora}", *cells, "", "")
    return made


def _remark(probe: TextProbe) -> str:
    if probe.alarm:
        return f"ALARM: {probe.alarm}"
    return "crossed: chance, as it must be" if probe.crossed else ""


def remarks(audit: Audit) -> Iterator[str]:
    """Splits that are far from their corpus in label or gender, or lack a class."""
    for one in audit.balance:
        far = [
            f"{name} {getattr(one, name):.0%}"
            for name in ("label", "gender")
            if getattr(one, name) > UNBALANCED
        ]
        if far or one.lacking:
            where = f"{one.corpus}, {one.split}" + (f", fold {one.fold}" if one.fold else "")
            lacks = [f"no {', '.join(one.lacking)}"] if one.lacking else []
            yield f"unbalanced: {where}: {'; '.join(far + lacks)}"


def recordings(audit: Audit) -> Iterator[str]:
    """Which recordings the whole store has twice."""
    same = audit.conflicts
    if same.groups:
        yield f"{same.groups:,} groups of rows have identical audio, {same.differing:,} with different labels"
        yield from (f"  {example}" for example in same.examples)
    if audit.copies is None:
        yield "near-identical audio: not looked for"
        return
    yield f"near-identical audio: {len(audit.copies):,} pairs"
    for copy in audit.copies[:MOST_EXAMPLES]:
        yield f"  {copy.one} ~ {copy.other} ({copy.error:.1%} of the bits differ)"

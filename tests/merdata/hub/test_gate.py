"""The licence gate: every licence, target and flag; against a Hub, no public upload that is not allowed."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from merdata import LicenceError, build, get_corpus, split
from merdata.corpora.miniature import write_corpus
from merdata.corpora.registry import registry
from merdata.hub.gate import Request, Visibility, check, strictest
from merdata.plugin import Permission, Terms
from tests.fake_hub import ONLY_LOOPBACK, FakeHub, Repo

ATTRIBUTION, GATED, NEVER = Permission
ABSENT, PRIVATE, PUBLIC, UNKNOWN = Visibility
MEANWHILE = "made public meanwhile"
# corpus: in a private repository, in a public one, labels only, transcripts with the labels
STATED = {
    "cremad": (ATTRIBUTION, ATTRIBUTION, ATTRIBUTION, True),
    "ravdess": (ATTRIBUTION, GATED, ATTRIBUTION, True),
    "tess": (ATTRIBUTION, GATED, ATTRIBUTION, True),
    "emovdb": (ATTRIBUTION, GATED, ATTRIBUTION, False),
    "esd": (ATTRIBUTION, NEVER, ATTRIBUTION, False),
    "mead": (ATTRIBUTION, NEVER, ATTRIBUTION, False),
    "meld": (ATTRIBUTION, NEVER, ATTRIBUTION, False),
    "iemocap": (NEVER, NEVER, NEVER, False),
}
ONE_OF_EACH = ("cremad", "ravdess", "meld", "iemocap")
FLAGS = list(itertools.product([False, True], repeat=3))  # --public, rights, --labels-only
SENT = [flags for flags in FLAGS if not (flags[1] and flags[2])]  # labels alone ask for no rights
GROUPS = [(name,) for name in ONE_OF_EACH] + [
    group for size in (2, 3, 4) for group in itertools.combinations(ONE_OF_EACH, size)
]


def allowed(corpora: tuple[str, ...], target: object, public: bool, rights: bool, labels_only: bool) -> bool:
    """What the table of the corpora says, in other words than the gate's."""
    if target in (UNKNOWN, MEANWHILE) or (target is PUBLIC and not public):
        return False
    column = 2 if labels_only else 1 if public else 0
    found = [STATED[name][column] for name in corpora]
    return NEVER not in found and (rights or GATED not in found)


STRICTER = {  # what a licence says -> what may go up, at most: privately, publicly, as labels alone
    "agreement|release form|^none": (NEVER, NEVER, NEVER),
    "research|academic|footage|custom": (ATTRIBUTION, NEVER, ATTRIBUTION),
    "NC|non-commercial|contradictory.*none": (ATTRIBUTION, GATED, ATTRIBUTION),
}
ORDER = [NEVER, GATED, ATTRIBUTION]


@pytest.mark.parametrize(("licence", "at_most"), STRICTER.items(), ids=STRICTER)
def test_terms_are_as_strict_as_the_licence(licence: str, at_most: tuple[Permission, ...]) -> None:
    own = [corpus for corpus in registry().values() if corpus.is_built_in and corpus.name not in STATED]
    for corpus in (corpus for corpus in own if re.search(licence, corpus.licence)):
        stated = (corpus.terms.private, corpus.terms.public, corpus.terms.labels)
        for term, most in zip(stated, at_most, strict=True):
            assert ORDER.index(term) <= ORDER.index(most), corpus.name


def test_every_corpus_states_its_terms() -> None:
    for name, (private, public, labels, text) in STATED.items():
        terms = get_corpus(name).terms
        assert (terms.private, terms.public, terms.labels, terms.text) == (private, public, labels, text)
        assert get_corpus(name).facts()["terms"]["public"] == public.value


@pytest.mark.parametrize("corpora", GROUPS, ids=" ".join)
@pytest.mark.parametrize("target", list(Visibility), ids=lambda target: target.value)
@pytest.mark.parametrize(("public", "rights", "labels_only"), FLAGS)
def test_the_gate_follows_the_table(
    corpora: tuple[str, ...], target: Visibility, public: bool, rights: bool, labels_only: bool
) -> None:
    terms = {name: get_corpus(name).terms for name in corpora}
    request = Request(terms, public, labels_only, "I made it" if rights else None)
    if allowed(corpora, target, public, rights, labels_only):
        assert check(request, "me/x", target) is not NEVER
    else:
        with pytest.raises(LicenceError, match=r"^[^\n]+$"):
            check(request, "me/x", target)


@pytest.mark.parametrize("corpora", GROUPS, ids=" ".join)
@pytest.mark.parametrize("public", [False, True])
def test_what_a_refusal_offers_is_accepted(corpora: tuple[str, ...], public: bool) -> None:
    terms = {name: get_corpus(name).terms for name in corpora}
    try:
        check(Request(terms, public), "me/x", ABSENT)
    except LicenceError as error:
        offers = re.findall(r"(--labels-only)?((?: ?--corpus \w+)*)(?:,|$)", str(error).partition(": ")[2])
        for labels, options in offers:
            names = re.findall(r"--corpus (\w+)", options)
            if labels or names:
                chosen = {name: terms[name] for name in names or corpora}
                assert check(Request(chosen, public, bool(labels), "I made it"), "me/x", ABSENT) is not NEVER
        if "leave out --public" in str(error):
            assert check(Request(terms), "me/x", ABSENT) is ATTRIBUTION


def test_the_strictest_decides_and_what_is_not_stated_is_forbidden() -> None:
    assert strictest({"a": ATTRIBUTION, "b": GATED}) is GATED
    assert strictest({"a": NEVER, "b": GATED}) is NEVER
    assert strictest({}) is NEVER
    for public, labels_only in itertools.product([False, True], repeat=2):
        with pytest.raises(LicenceError):
            check(Request({"new": Terms()}, public, labels_only, "I made it"), "me/x", ABSENT)


SCRIPT = """
import json, sys
sys.modules["matplotlib"] = None  # cards without figures: two hundred of them are quicker
from merdata import LicenceError, push
done = {}
for name, words in json.load(sys.stdin).items():
    try:
        push(sys.argv[1], name, **words)
        done[name] = None
    except LicenceError as error:
        done[name] = str(error)
print(json.dumps(done))
"""


def test_no_public_upload_that_is_not_allowed(tmp_path: Path) -> None:
    copy = tmp_path / "store"
    for corpus in ONE_OF_EACH:
        write_corpus(corpus, tmp_path / "corpora" / corpus, speakers=1)
    build(list(ONE_OF_EACH), tmp_path / "corpora", copy, jobs=0)
    split(copy)
    groups = [(name,) for name in ONE_OF_EACH]
    cases, todo = {}, {}
    with FakeHub() as hub:
        for group, target, flags in itertools.product(groups, [*Visibility, MEANWHILE], SENT):
            name = f"tester/case-{len(cases)}"
            cases[name] = (group, target, *flags)
            public, rights, labels_only = flags
            why = "I made it" if rights else None
            todo[name] = {"corpora": group, "public": public, "rights": why, "labels_only": labels_only}
            if target is not ABSENT:
                there = Repo({PUBLIC: False, UNKNOWN: None}.get(target, True))  # type: ignore[call-overload]
                hub.repos["dataset", name] = there
            if target == MEANWHILE:
                batch = f"{name}.git/info/lfs/objects/batch"
                hub.before("POST", batch, lambda there=there: setattr(there, "private", False))
        environment = hub.environment(tmp_path / "hf") | {"MERDATA_I_HAVE_RIGHTS": "1", "MERDATA_PUBLIC": "1"}
        done = subprocess.run(
            [sys.executable, "-c", ONLY_LOOPBACK + SCRIPT, copy],
            input=json.dumps(todo),
            capture_output=True,
            text=True,
            env=environment,
        )
    assert done.returncode == 0, done.stderr
    assert "DIALLED" not in done.stderr
    outcome = json.loads(done.stdout)
    for name, (group, target, public, rights, labels_only) in cases.items():
        repo = hub.repos.get(("dataset", name), Repo(True))
        seen = PRIVATE if target == MEANWHILE and public else target  # public was asked for, so it may change
        may = allowed(group, seen, public, rights, labels_only)
        case = f"{group} {target} public={public} rights={rights} labels={labels_only}: {outcome[name]}"
        assert (outcome[name] is None) == may, case
        assert repo.commits == may, case
        if repo.public_commits:
            assert public, case
            assert may, case
        if labels_only and may:
            assert repo.files, case

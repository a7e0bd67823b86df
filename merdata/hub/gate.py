"""The licence gate: what may be uploaded where, decided only by facts that the corpora state.

Every corpus states its terms (`merdata.corpora.terms`). For several corpora together, the strictest count. A
repository is private when the Hub says so; where the Hub does not say, nothing is uploaded. None of this is
legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from merdata.corpora.terms import ATTRIBUTION, GATED, NEVER, STRICTNESS, Permission, Terms
from merdata.errors import LicenceError


class Visibility(str, Enum):
    """Who can see a repository, according to the Hub."""

    ABSENT = "absent"
    PRIVATE = "private"
    PUBLIC = "public"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Request:
    """What someone wants to upload.

    Attributes:
        terms: of each corpus, by name.
        public: whether everyone is to see it.
        labels_only: without audio, and without transcripts where those are licensed.
        rights: the right to share it, in the words of the one who uploads; None where they did not say.
    """

    terms: Mapping[str, Terms]
    public: bool = False
    labels_only: bool = False
    rights: str | None = None

    def permissions(self, *, public: bool, labels_only: bool | None = None) -> dict[str, Permission]:
        """The permission that each corpus needs."""
        only_labels = self.labels_only if labels_only is None else labels_only
        return {
            name: terms.permission(public=public, labels_only=only_labels)
            for name, terms in self.terms.items()
        }


def strictest(permissions: Mapping[str, Permission]) -> Permission:
    """The permission of several corpora together; `never` for none."""
    return max(permissions.values(), key=STRICTNESS.__getitem__, default=NEVER)


def check(request: Request, repo: str, target: Visibility) -> Permission:
    """Let a request pass, or refuse it.

    Args:
        request: what is wanted.
        repo: name of the target, for the message.
        target: who can see it now; ABSENT: it would be created, public or private as wanted.

    Returns:
        The permission that was needed.

    Raises:
        LicenceError: it is refused; the sentence says why, and what is allowed.
    """
    if target is Visibility.UNKNOWN:
        raise LicenceError(
            f"the Hub does not say who can see {repo}, so nothing is uploaded: name another repository"
        )
    if target is Visibility.PUBLIC and not request.public:
        raise LicenceError(f"{repo} is public: make it private on the Hub, name another, or pass --public")
    permissions = request.permissions(public=request.public)
    if not permissions:
        raise LicenceError("no corpus is chosen, so there is nothing to upload")
    needed = strictest(permissions)
    if needed is NEVER:
        raise LicenceError(_forbidden(request, permissions))
    if needed is GATED and not request.rights:
        raise LicenceError(_asks_for_rights(request, permissions))
    return needed


def _forbidden(request: Request, permissions: Mapping[str, Permission]) -> str:
    names = [name for name, permission in permissions.items() if permission is NEVER]
    what = "labels" if request.labels_only else "audio"
    upload = f"a public upload of {what}" if request.public else f"an upload of {what}, not even in private"
    return f"{_licence_of(names)} not allow {upload}: {_ways_out(request, names) or 'no option changes that'}"


def _asks_for_rights(request: Request, permissions: Mapping[str, Permission]) -> str:
    names = [name for name, permission in permissions.items() if permission is GATED]
    ways = _ways_out(request, names)
    what, it = ("the labels", "them") if request.labels_only else ("the audio", "it")
    return (
        f"{_licence_of(names)} not allow everyone to share {what}: state your right to share {it} with "
        f'--i-have-rights "why"{f", or {ways}" if ways else ""}'
    )


def _licence_of(names: list[str]) -> str:
    return (
        f"the licence of {names[0]} does" if len(names) == 1 else f"the licences of {' and '.join(names)} do"
    )


def _ways_out(request: Request, names: list[str]) -> str:
    """What can be uploaded instead, as options that pass the gate (or ask for rights); "" if nothing can."""
    ways = []
    if request.public and strictest(request.permissions(public=False)) is ATTRIBUTION:
        ways.append("leave out --public")
    labels = request.permissions(public=request.public, labels_only=True)
    free = [name for name, permission in labels.items() if permission is ATTRIBUTION]
    if free and not request.labels_only:
        chosen = "" if len(free) == len(labels) else f" {_options(free)}"
        ways.append(f"upload neither audio nor licensed transcripts with --labels-only{chosen}")
    rest = [name for name in request.terms if name not in names]
    if rest:
        ways.append(f"choose other corpora with {_options(rest)}")
    return ", or ".join(ways)


def _options(names: list[str]) -> str:
    return " ".join(f"--corpus {name}" for name in names)

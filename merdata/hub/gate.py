"""The licence gate: what may be uploaded where, decided from facts of the corpora alone.

Every corpus states its terms (`merdata.corpora.terms`). Several corpora together may do what the strictest
of them may. A repository is private when the Hub says so; where it says nothing, nothing is uploaded. None
of this is legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from merdata.corpora.terms import ATTRIBUTION, GATED, NEVER, STRICTNESS, Permission, Terms
from merdata.errors import LicenceError


class Visibility(str, Enum):
    """What the Hub says of a repository: who sees it."""

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
        labels_only: no audio, and no transcripts where those are licensed.
        rights: by which right, in the words of the one who uploads; None where they did not say.
    """

    terms: Mapping[str, Terms]
    public: bool = False
    labels_only: bool = False
    rights: str | None = None

    def permissions(self, *, public: bool, labels_only: bool | None = None) -> dict[str, Permission]:
        """What each corpus takes."""
        only = self.labels_only if labels_only is None else labels_only
        return {name: one.permission(public=public, labels_only=only) for name, one in self.terms.items()}


def strictest(permissions: Mapping[str, Permission]) -> Permission:
    """The permission of a store of several corpora; never, of none."""
    return max(permissions.values(), key=STRICTNESS.__getitem__, default=NEVER)


def check(request: Request, repo: str, target: Visibility) -> Permission:
    """Pass what may be uploaded to a target.

    Args:
        request: what is wanted.
        repo: name of the target, for the message.
        target: what the Hub says of it now; ABSENT: it would be made, public or private as wanted.

    Returns:
        The permission that was needed.

    Raises:
        LicenceError: it may not; the sentence says why, and what may.
    """
    if target is Visibility.UNKNOWN:
        raise LicenceError(
            f"the Hub does not say who sees {repo}, so nothing is uploaded: name another repository"
        )
    if target is Visibility.PUBLIC and not request.public:
        raise LicenceError(f"{repo} is public: make it private on the Hub, name another, or say --public")
    permissions = request.permissions(public=request.public)
    needed = strictest(permissions)
    if needed is NEVER:
        raise LicenceError(_forbidden(request, permissions))
    if needed is GATED and not request.rights:
        raise LicenceError(_asks_for_rights(request, permissions))
    return needed


def _forbidden(request: Request, permissions: Mapping[str, Permission]) -> str:
    names = [name for name, permission in permissions.items() if permission is NEVER]
    what = "its labels" if request.labels_only else "its audio"
    where = "in public" if request.public else "at all"
    return f"{_licence_of(names)} not let {what} be uploaded {where}: {_ways_out(request, names)}"


def _asks_for_rights(request: Request, permissions: Mapping[str, Permission]) -> str:
    names = [name for name, permission in permissions.items() if permission is GATED]
    return (
        f"{_licence_of(names)} not let everyone publish its audio: say by which right you do with "
        f'--i-have-rights "why", or {_ways_out(request, names)}'
    )


def _licence_of(names: list[str]) -> str:
    return f"the licence of {' and of '.join(names)} does" if names else "no corpus is chosen: that does"


def _ways_out(request: Request, names: list[str]) -> str:
    """What can be uploaded instead, named as options that pass the gate (or ask for rights)."""
    ways = []
    if request.public and strictest(request.permissions(public=False)) is ATTRIBUTION:
        ways.append("leave out --public")
    labels = request.permissions(public=request.public, labels_only=True)
    free = [name for name, permission in labels.items() if permission is ATTRIBUTION]
    if free and not request.labels_only:
        chosen = "" if len(free) == len(labels) else f" {_options(free)}"
        ways.append(f"upload no audio and no licensed transcripts with --labels-only{chosen}")
    rest = [name for name in request.terms if name not in names]
    if rest:
        ways.append(f"choose others with {_options(rest)}")
    return ", or ".join(ways) or "keep it to yourself"


def _options(names: list[str]) -> str:
    return " ".join(f"--corpus {name}" for name in names)

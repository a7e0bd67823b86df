"""What a corpus's licence allows to be uploaded: one of three permissions for each audience and content.

    permission    what it takes to upload
    attribution   nothing more: licence, source and citation go up in the card
    gated         that someone says by which right they do it, in words that go into the card
    never         nothing helps: no flag, environment variable or configuration is asked

    content       in a private repository    in a public one
    all of it     Terms.private              Terms.public
    labels only   Terms.labels               Terms.labels

None of this is legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Permission(str, Enum):
    """What it takes to upload something; the order of the members is from loose to strict."""

    ATTRIBUTION = "attribution"
    GATED = "gated"
    NEVER = "never"


ATTRIBUTION, GATED, NEVER = Permission
STRICTNESS = {permission: level for level, permission in enumerate(Permission)}


@dataclass(frozen=True)
class Terms:
    """What a corpus's licence allows; whatever is not stated is forbidden.

    Attributes:
        public: audio, transcripts and labels, for everyone.
        private: the same, in a private repository.
        labels: labels and metadata without audio, wherever.
        text: whether transcripts may go with the labels alone.
    """

    public: Permission = NEVER
    private: Permission = NEVER
    labels: Permission = NEVER
    text: bool = False

    def permission(self, *, public: bool, labels_only: bool) -> Permission:
        if labels_only:
            return self.labels
        return self.public if public else self.private

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Terms:
        """The terms that `as_json` gave; what is not among the permissions is forbidden."""
        known = {permission.value: permission for permission in Permission}
        allowed = {name: known.get(str(facts.get(name)), NEVER) for name in ("public", "private", "labels")}
        return cls(**allowed, text=facts.get("text") is True)

    def as_json(self) -> dict[str, str | bool]:
        return {name: getattr(value, "value", value) for name, value in asdict(self).items()}

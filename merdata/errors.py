# ruff: noqa: N818  the names say what is wrong
"""The faults that a user can mend: each message says what is wrong, where, and what to do.

The commands print the message and exit with code 2; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MerdataError(Exception):
    """A fault of the input, never of the code."""


class CorpusNotFound(MerdataError):
    """No such corpus, or its folder is not there."""


class LayoutError(MerdataError):
    """The folder is not that corpus, or one of its metadata files cannot be read."""


class NotThisCorpus(LayoutError):
    """No file of the folder is named like one of the corpus."""


class OptionError(MerdataError):
    """An option that the corpus does not have, or a value that it cannot take."""


class PolicyError(MerdataError):
    """A label policy names a label that does not exist, or a raw label has no policy."""


class StoreError(MerdataError):
    """The store cannot be opened, read or written."""


class SplitError(MerdataError):
    """A split that cannot be made, or a protocol that is not there."""


class RemoteError(MerdataError):
    """A source or store elsewhere (S3, the Hub) that cannot be reached, or not by this installation."""


class EngineError(MerdataError):
    """A process that tasks run in ended before its task did."""


class HubError(MerdataError):
    """The Hub cannot be reached, or refuses."""


class LicenceError(MerdataError):
    """A licence does not allow what was to be uploaded."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of the words that would do, as the end of a message; nothing where none is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

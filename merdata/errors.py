# ruff: noqa: N818  the names say what is wrong
"""Errors that a user can correct: each message says what is wrong, where, and what to do.

The commands print the message and exit with its `exit_code`; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MerdataError(Exception):
    """An error in the input, not in the code."""

    exit_code = 2


class IncompleteError(MerdataError):
    """The input could be read, but nothing comes of it."""

    exit_code = 3


class CorpusNotFound(MerdataError):
    """There is no such corpus, or its folder does not exist."""


class LayoutError(MerdataError):
    """The folder does not contain that corpus, or one of its metadata files cannot be read."""


class UnknownEncoding(LayoutError):
    """Nothing tells the encoding of a text file."""


class NotThisCorpus(LayoutError):
    """No file in the folder is named like a file of the corpus."""


class DeclarationError(MerdataError):
    """A `corpus.yaml` is not YAML, or one of its keys is wrong; the message names each."""


class OptionError(MerdataError):
    """An option that the corpus does not have, or a value that it does not accept."""


class PolicyError(MerdataError):
    """A label policy names a label that does not exist, or a raw label has no policy."""


class StoreError(MerdataError):
    """The store cannot be opened, read or written."""


class SplitError(MerdataError):
    """The split cannot be made, or there is no such protocol."""


class RemoteError(MerdataError):
    """A remote source or store (S3, the Hub) cannot be reached, or needs a package that is not installed."""


class EngineError(MerdataError):
    """A worker process ended before its task did."""


class HubError(MerdataError):
    """The Hub cannot be reached, or refuses the request."""


class AudioError(Exception):
    """A source without usable audio: it costs one row, never a build, so it is not a MerdataError.

    Attributes:
        reason: a short code for the ledger (`truncated`, `silent`, `undecodable`, ...).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LicenceError(MerdataError):
    """A licence does not allow the upload."""


def reason_of(error: Exception) -> str:
    """What went wrong, in one line, without the path, which our messages name; of YAML, where in the text."""
    if mark := getattr(error, "problem_mark", None):
        return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', None)}"
    return getattr(error, "strerror", None) or " ".join(str(error).split())


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of the words that would do, as the end of a message; nothing where none is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

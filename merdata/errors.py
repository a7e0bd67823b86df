# ruff: noqa: N818  the names say what is wrong
"""The faults a user can mend: each message says what is wrong, where, and what to do.

The commands print the message and exit with its `exit_code`; anything else is a bug and keeps its traceback.
"""


class MerdataError(Exception):
    """A fault of the input, never of the code."""

    exit_code = 2


class IncompleteError(MerdataError):
    """The input could be read, but nothing comes of it."""

    exit_code = 3


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

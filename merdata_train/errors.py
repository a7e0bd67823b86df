"""The faults of a recipe or of a run that a user can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from merdata import MerdataError


class RecipeError(MerdataError):
    """A recipe that cannot be found, read or obeyed."""


class ProtocolError(MerdataError):
    """Test rows where only train and validation belong, or rows that were lost on the way to a score."""


class RunError(MerdataError):
    """A run folder that cannot be read or written."""


class InputError(MerdataError):
    """A recording, a text or a history that a trained model cannot take."""


class LintError(MerdataError):
    """A recipe on rows with which no number would mean what it says."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what safetensors raises when a file cannot be written into the OSError that it is.

    Raises:
        OSError: in the words of the system.
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error).removeprefix("Error while serializing: ")) from error

"""The faults of a recipe or of a run that a user can mend."""

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

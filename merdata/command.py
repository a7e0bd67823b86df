"""How both command lines end: a fault of the input is one sentence on stderr and exit code 2."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from merdata.errors import MerdataError

if TYPE_CHECKING:
    from typer import Typer


def run_app(app: Typer, name: str, extra: str | None = None) -> None:
    """Run a Typer app on the arguments of the process; `--debug`, anywhere, keeps tracebacks.

    Args:
        app: the commands.
        name: of the program, before its messages.
        extra: the extra whose packages its commands import; where one is missing, the message names it.
    """
    debug = "--debug" in sys.argv
    try:
        app(args=[word for word in sys.argv[1:] if word != "--debug"])
    except MerdataError as error:
        if debug:
            raise
        sys.exit(_say(f"{name}: {error}"))
    except ModuleNotFoundError as error:
        if debug or extra is None or (error.name or "").startswith("merdata"):
            raise
        sys.exit(_say(f"{name}: {error.name} is not installed: pip install 'merdata[{extra}]'"))


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2

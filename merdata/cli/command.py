"""What both command lines share: a fault of the input is one sentence on stderr and an exit code."""

from __future__ import annotations

import sys
from typing import Any

from typer import Typer
from typer.core import TyperGroup

from merdata.errors import MerdataError


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
        sys.exit(_say(f"{name}: {error}", error.exit_code))
    except ModuleNotFoundError as error:
        if debug or extra is None or (error.name or "").startswith("merdata"):
            raise
        sys.exit(_say(f"{name}: {error.name} is not installed: pip install 'merdata[{extra}]'", 2))


def _say(sentence: str, exit_code: int) -> int:
    print(sentence, file=sys.stderr)
    return exit_code


def with_default(command: str) -> type[TyperGroup]:
    """A group whose `command` is meant where none is named: `split STORE` is `split make STORE`."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            named = bool(args) and args[0] in {*self.commands, *ctx.help_option_names}
            return super().parse_args(ctx, args if named else [command, *args])

    return Group

"""What the commands of both programs share: how they take a store, print JSON, fail and end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, get_type_hints

import typer
from typer.core import TyperGroup

from merdata.cli.ending import ending
from merdata.cli.options import StoreArgument, StoreOption
from merdata.errors import OptionError

BY_DEFAULT = Path("store")


def run_app(app: typer.Typer, name: str, extra: str | None = None) -> None:
    """Run a Typer app on the arguments of the process, and end as `ending` does.

    Args:
        app: the commands.
        name: of the program, before its messages.
        extra: the extra whose packages its commands import; where one is missing, the message names it.
    """
    with ending(name, extra):
        app(args=[word for word in sys.argv[1:] if word != "--debug"])


def print_json(value: Any) -> None:
    """One document on stdout; in ASCII, so that every terminal and pipe takes it."""
    typer.echo(json.dumps(value, indent=1))


def takes_store(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command's `store` as `--store STORE` and as an optional argument where `store` stands.

    Raises:
        OptionError: when both name a store, and not the same one.
    """

    @wraps(command)
    def either(*, store_argument: Path | None, store_option: Path | None, **others: Any) -> None:
        if store_argument and store_option and store_argument != store_option:
            raise OptionError(
                f"{store_argument} and --store {store_option} are two stores: name the one that is meant"
            )
        command(store=store_argument or store_option or BY_DEFAULT, **others)

    parameters: list[Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in signature(command).parameters.items():
        if name == "store":
            both = {"store_argument": StoreArgument, "store_option": StoreOption}
            parameters += [_keyword(each, annotation=hint, default=None) for each, hint in both.items()]
        else:
            parameters.append(_keyword(name, annotation=hints[name], default=parameter.default))
    del either.__wrapped__  # Typer would read the parameters of `command`
    either.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    either.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return either


def _keyword(name: str, **facts: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, **facts)


def with_default(command: str) -> type[TyperGroup]:
    """A group whose `command` is meant where none is named: `split STORE` is `split make STORE`."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            named = bool(args) and args[0] in {*self.commands, *ctx.help_option_names}
            return super().parse_args(ctx, args if named else [command, *args])

    return Group

"""The folders that ship beside the packages: cards/ as merdata.cards, recipes/ as merdata_train.recipes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.escaping import Markdown, block, code, link, markdown

if TYPE_CHECKING:
    from jinja2 import Environment


def card_text(name: str) -> str:
    """A file of cards/, such as `dataset.md.j2` or `corpora/ravdess.md`."""
    try:
        return (files("merdata.cards") / name).read_text("utf-8")
    except ModuleNotFoundError:  # a checkout, or an editable installation of one
        return (Path(__file__).parents[2] / "cards" / name).read_text("utf-8")


def render_card(template: str, **values: Any) -> str:
    """The Markdown that a template of cards/ gives.

    Every value is escaped, so that the card shows it as it is. Filters of the templates: `as_is` keeps
    Markdown, `code`, `block` and `link` make code and links, `n` groups the digits of a number.

    Args:
        template: its name, such as `dataset.md.j2`.
        values: its variables; one that the template uses and that is missing is an error.
    """
    return _markdown().get_template(template).render(values).strip() + "\n"


@cache
def _markdown() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(  # noqa: S701  Markdown is escaped by `finalize`
        loader=FunctionLoader(card_text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=markdown,
    )
    environment.filters |= {"as_is": Markdown, "block": block, "code": code, "link": link}
    environment.filters["n"] = "{:,}".format
    return environment

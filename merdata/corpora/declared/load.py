"""A `corpus.yaml` as a corpus: read strictly, checked key by key, made ready to read folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from merdata.corpora.corpus import Corpus
from merdata.corpora.declared.faults import faults
from merdata.corpora.declared.fields import Fields
from merdata.corpora.declared.ids import Complete, key_by
from merdata.corpora.declared.miniature import Miniature
from merdata.corpora.declared.names import Grammar
from merdata.corpora.declared.page import Page
from merdata.corpora.declared.reader import Reader
from merdata.corpora.declared.schema import Declaration
from merdata.corpora.declared.template import Template
from merdata.corpora.terms import Terms
from merdata.errors import DeclarationError, reason_of
from merdata.io.strict_yaml import read_yaml

FILE = "corpus.yaml"


def load_declared(path: Path, package: str = "") -> Corpus:
    """The corpus that a YAML file declares.

    Args:
        path: of the file; maps that it names lie beside it.
        package: the Python package whose folder it lies in, with the defects and the splits of others.

    Raises:
        DeclarationError: it cannot be read, or some of its keys are wrong; the message names each.
    """
    return corpus_of(read_declaration(path), path, package)


def read_declaration(path: Path) -> Declaration:
    """The YAML file, checked.

    Raises:
        DeclarationError: it cannot be read, or some of its keys are wrong; the message names each.
    """
    try:
        value = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise DeclarationError(f"cannot read {path}: {reason_of(error)}") from error
    return check_declaration(value, str(path))


def check_declaration(value: Any, where: str) -> Declaration:
    """A declaration from the value of a YAML text.

    Raises:
        DeclarationError: some of its keys are wrong; the message names each.
    """
    if not isinstance(value, dict):
        raise DeclarationError(f"{where} is not a corpus: it must be a mapping such as `name: mine`")
    try:
        return Declaration.model_validate(value)
    except ValidationError as error:
        raise DeclarationError(f"{where}: {'; '.join(faults(error, Declaration))}") from error


def corpus_of(declared: Declaration, path: Path, package: str = "") -> Corpus:
    """The corpus that a declaration states.

    Raises:
        DeclarationError: its names, fields and labels do not fit together, or a map beside it is missing.
    """
    try:
        fields = Fields(declared, dict(_maps(declared, path)))
        grammar = Grammar(declared, _values(declared, fields))
        _check(declared, grammar, fields)
    except ValueError as error:
        raise DeclarationError(f"{path}: {error}") from error
    id = Template(declared.id)
    return Corpus(
        name=declared.name,
        title=declared.title or declared.name,
        domain=declared.domain,
        languages=tuple(declared.languages),
        licence=declared.licence,
        terms=Terms(**declared.terms.model_dump()),
        homepage=declared.homepage,
        expected_rows=declared.rows,
        difference=declared.difference,
        targets=declared.labels,
        debatable=tuple(declared.debatable),
        layout=", or ".join(f"{example} ..." for example in declared.examples) or "a table of its rows",
        file_name=grammar.file_name,
        read=Reader(declared, grammar, fields),
        endings=tuple(declared.endings),
        complete=Complete(id, declared.complete, grammar) if declared.complete else None,
        crossed=declared.crossed,
        split=declared.split,
        cluster=declared.cluster,
        limits=declared.limits,
        keys={source: key_by(template, id, grammar) for source, template in declared.keys.items()},
        package=package,
        sample=Miniature(declared, grammar, fields) if declared.examples else None,
        page=Page(declared) if declared.citation else None,
    )


def _maps(declared: Declaration, path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The maps that lie beside the declaration."""
    for field, rules in declared.fields.items():
        for rule in rules:
            if isinstance(rule.map, str):
                yield rule.map, _map_beside(rule.map, field, path)


def _map_beside(name: str, field: str, path: Path) -> Mapping[str, str]:
    where = f"fields.{field}.map: {name}"
    if Path(name).name != name:
        raise ValueError(f"{where} must lie beside the file, without folders in its name")
    try:
        pairs = read_yaml(path.parent / name)
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{where}: {reason_of(error)}") from error
    if not isinstance(pairs, dict) or not all(map(_is_text, (*pairs, *pairs.values()))):
        raise ValueError(f'{where} must have pairs of texts, such as "01": Hello.')
    return pairs


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _values(declared: Declaration, fields: Fields) -> dict[str, list[str]]:
    """Part -> the values that its maps list; those of `label` are the labels, where no rule makes it."""
    own = {} if "label" in declared.fields else {"label": list(declared.labels)}
    return {**own, **fields.maps}


def _check(declared: Declaration, grammar: Grammar, fields: Fields) -> None:
    """Hold the keys against each other.

    Raises:
        ValueError: they do not fit together.
    """
    for rule in fields.rules.get("label", ()):
        for key, label in (rule.map or {}).items():
            if label not in declared.labels:
                raise ValueError(f"fields.label.map.{key}: {label!r} is not among labels")
    for part, values in declared.parts.items():
        if not values:
            raise ValueError(f"parts.{part}: it has no values")
    known = {name for pattern in grammar.patterns for name in pattern.groupindex}
    if declared.table is None:
        _check_templates(declared, fields, known)


def _check_templates(declared: Declaration, fields: Fields, known: set[str]) -> None:
    """Without a table every name in a template is a group or a field.

    Raises:
        ValueError: one is not.
    """
    known = known | {"stem", "folder", "path"}
    for field, rules in fields.rules.items():
        for rule in rules:
            if strange := [name for name in rule.names if name not in known | fields.rules.keys()]:
                raise ValueError(f"fields.{field}: {{{strange[0]}}} is not a group of names, nor a field")
    if "label" not in known | fields.rules.keys():
        raise ValueError("fields.label: neither the names nor a field give the label")
    if "text" not in known | fields.rules.keys():
        raise ValueError("fields.text: say where the texts are, or `missing:` with the reason")
    if strange := [name for name in Template(declared.id).names if name not in known | fields.rules.keys()]:
        raise ValueError(f"id: {{{strange[0]}}} is not a group of names, nor a field")

"""YAML that people write: names that look like numbers stay as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from merdata.io.strict_yaml import load_table, load_yaml


@pytest.mark.parametrize("load", [load_yaml, load_table])
def test_a_number_with_a_leading_zero_is_a_name(load: Callable[[str], Any]) -> None:
    """YAML 1.1 reads it with base 8: speaker 010 would be 8, and 08 a text."""
    assert load("[07, 08, 010, 0, 10, -3, 0.5]") == ["07", "08", "010", 0, 10, -3, 0.5]

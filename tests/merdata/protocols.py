"""Protocols that tests write down by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from merdata.store.protocol import Protocol, make_folds


def make_protocol(name: str, splits: Mapping[str, str], properties: dict[str, Any]) -> Protocol:
    """A protocol of one fold from id -> split; rows in the order of their ids."""
    return make_folds(name, {0: pd.Series(splits, dtype=object)}, properties)

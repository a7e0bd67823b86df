"""What tests of several readers share."""

from __future__ import annotations

import pytest

from tests.merdata.corpora.bare import Trees


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """A small tree of each corpus, made when a test asks for it."""
    return Trees(tmp_path_factory.mktemp("trees"))

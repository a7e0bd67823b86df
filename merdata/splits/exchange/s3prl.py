"""s3prl's five folds by session (its downstream/emotion/meta_data, or s3prl/iemocap_split).

<root>/Session<k>/{train,test}_meta_data.json: {"labels", "meta_data": [{"path", "label", "speaker"}]}.
Their validation rows are a fifth of train, drawn by torch at run time: no file lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merdata.errors import SplitError
from merdata.splits.exchange.entry import Entry, read_json, stem
from merdata.store.protocol import TEST, TRAIN

SESSIONS = range(1, 6)


def read_sessions(_: str, root: Path) -> Iterator[Entry]:
    """The entries of the five folds.

    Raises:
        SplitError: a file is missing or not of this form.
    """
    folder = root / "meta_data" if (root / "meta_data").is_dir() else root
    for fold in SESSIONS:
        for split in (TRAIN, TEST):
            path = folder / f"Session{fold}" / f"{split}_meta_data.json"
            try:
                paths = [entry["path"] for entry in read_json(path)["meta_data"]]
            except (KeyError, TypeError) as error:
                raise SplitError(f"{path} is not a meta_data file of s3prl: it has no {error}") from error
            yield from (Entry(fold, split, stem(one), one) for one in paths)

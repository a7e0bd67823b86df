"""What merdata.json holds, with the bounds that it is checked against when it is read.

A store may come from somebody else, and names in its manifest become paths, so each has a pattern.
"""

from __future__ import annotations

import re
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, Predicate
from typing_extensions import NotRequired, TypedDict

from merdata.corpora.account import FileAccount

NAME = r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,149}"  # of a corpus, shard or protocol: never `..`, never a folder
HASHED = rf"{NAME}-[0-9a-f]{{12}}\.parquet"
MOST = 1 << 50


def is_name(text: str) -> bool:
    """Whether a text can name a corpus, a shard or a protocol, and so a part of a path."""
    return bool(re.fullmatch(NAME, text))


def is_hashed_file(text: str) -> bool:
    """Whether a text is a file name of a shard or ledger."""
    return bool(re.fullmatch(HASHED, text))


def is_other_file(text: str) -> bool:
    """Whether a text is the path of a file that is not a shard, below the store."""
    of_folders = rf"(ledger|splits)/{NAME}\.parquet|figures/{NAME}\.png|layers/{NAME}/{NAME}"
    return bool(re.fullmatch(rf"README\.md|LICENSE\.md|{of_folders}", text))


def is_stored_file(text: str) -> bool:
    """Whether a text is the path of a file below the store, shards included."""
    return bool(re.fullmatch(rf"data/{NAME}/{NAME}\.parquet", text)) or is_other_file(text)


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal."""
    return bool(re.fullmatch(r"[0-9a-f]{64}", text))


Name = Annotated[str, Predicate(is_name)]
HashedFile = Annotated[str, Predicate(is_hashed_file)]
OtherFile = Annotated[str, Predicate(is_other_file)]
StoredFile = Annotated[str, Predicate(is_stored_file)]
Sha256 = Annotated[str, Predicate(is_sha256)]
Number = Annotated[int, Ge(0), Le(MOST)]
Text = Annotated[str, MaxLen(10_000)]
Numbers = dict[Text, Number]


class ShardFacts(TypedDict):
    """One shard; `file` is its name below `data/<corpus>` (format 1 had none: it was `<shard>.parquet`)."""

    sha256: Sha256
    rows: Number
    bytes: Number
    file: NotRequired[HashedFile]


class Account(TypedDict):
    """`Counts` of one corpus as JSON; `merdata.store.ledger` says what each number counts."""

    corpus: Name
    domain: Text
    expected: Number
    discovered: Number
    stored: Number
    silenced: Numbers
    dropped: Numbers
    others: Numbers
    labels: dict[Text, Numbers]
    textless: Numbers
    sources: Numbers
    defects: dict[Text, list[Text]]
    same_audio: list[list[Text]]
    conflicts: Number
    seconds: Annotated[float, Ge(0), Le(MOST)]
    difference: Text
    missing: list[Text]
    files: NotRequired[FileAccount]
    remarks: NotRequired[list[Text]]


class CorpusFacts(TypedDict):
    """One corpus: what it states of itself, how it was built, and its account.

    Attributes:
        policy: raw label -> class, `drop` or `keep`.
        options: of its reader, as given to the build.
        defects: hash of its table of known defects.
        split, cluster, limits: as the corpus states them; a store that an older merdata built lacks them.
        ledger: name of its file below `ledger` (format 1 had none: it was `<corpus>.parquet`).
        terms: what its owner allows to be uploaded, of a corpus that is in no registry.
    """

    title: Text
    domain: Text
    languages: list[Text]
    licence: Text
    homepage: Text
    split: NotRequired[Text]
    cluster: NotRequired[Text]
    limits: NotRequired[Text]
    crossed: bool
    policy: dict[Text, Text]
    options: dict[Text, Text]
    on_bad_audio: Text
    defects: Text
    audio_version: Number
    counts: Account
    ledger: NotRequired[HashedFile]
    terms: NotRequired[dict[Text, Text | bool]]


class UploadRecord(TypedDict, total=False):
    """How a store went to the Hub."""

    public: bool
    labels_only: bool
    rights: Text | None


class Manifest(TypedDict):
    """merdata.json.

    Attributes:
        format: of the store.
        merdata: version that built it last.
        space: name of the label space, whose `classes` these are.
        corpora: by name.
        shards: corpus -> shard -> its facts.
        files: path below the store -> SHA-256, of every file but the shards and merdata.json itself.
        digest: SHA-256 of all the rest of merdata.json.
        upload: only in a store that was pushed.
    """

    format: Number
    merdata: Text
    space: Name
    classes: Annotated[list[Text], MaxLen(1_000)]
    corpora: dict[Name, CorpusFacts]
    shards: dict[Name, dict[Name, ShardFacts]]
    files: NotRequired[dict[OtherFile, Sha256]]
    digest: NotRequired[Sha256]
    upload: NotRequired[UploadRecord]

"""What merdata.json holds, as it is typed in every module that reads it."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict

from merdata.corpora.account import FileAccount


class ShardFacts(TypedDict):
    """One shard; `file` is its name below `data/<corpus>` (format 1 had none: it was `<shard>.parquet`)."""

    sha256: str
    rows: int
    bytes: int
    file: NotRequired[str]


class Account(TypedDict):
    """`Counts` of one corpus as JSON; `merdata.store.ledger` says what each number counts."""

    corpus: str
    domain: str
    expected: int
    discovered: int
    stored: int
    silenced: dict[str, int]
    dropped: dict[str, int]
    others: dict[str, int]
    labels: dict[str, dict[str, int]]
    textless: dict[str, int]
    sources: dict[str, int]
    defects: dict[str, list[str]]
    same_audio: list[list[str]]
    conflicts: int
    seconds: float
    difference: str
    missing: list[str]
    files: NotRequired[FileAccount]
    remarks: NotRequired[list[str]]


class CorpusFacts(TypedDict):
    """One corpus: what it states of itself, how it was built, and its account.

    Attributes:
        policy: raw label -> class, `drop` or `keep`.
        options: of its reader, as given to the build.
        defects: hash of its table of known defects.
        ledger: name of its file below `ledger` (format 1 had none: it was `<corpus>.parquet`).
    """

    title: str
    domain: str
    languages: list[str]
    licence: str
    homepage: str
    split: str
    cluster: str
    limits: str
    crossed: bool
    policy: dict[str, str]
    options: dict[str, str]
    on_bad_audio: str
    defects: str
    audio_version: int
    counts: Account
    ledger: NotRequired[str]


class UploadRecord(TypedDict, total=False):
    """How a store went to the Hub."""

    public: bool
    labels_only: bool
    rights: str | None


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

    format: int
    merdata: str
    space: str
    classes: list[str]
    corpora: dict[str, CorpusFacts]
    shards: dict[str, dict[str, ShardFacts]]
    files: NotRequired[dict[str, str]]
    digest: NotRequired[str]
    upload: NotRequired[UploadRecord]

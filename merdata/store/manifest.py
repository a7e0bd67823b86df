"""merdata.json, the manifest of a store: written last, it names every other file with its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from merdata.errors import RemoteError, StoreError
from merdata.io.files import json_text, write_bytes
from merdata.io.outside import check_type, cut, parse_json, read_some
from merdata.io.places import is_remote, replace_version, version
from merdata.labels import LabelSpace, label_space
from merdata.store.facts import CorpusFacts, Manifest, ShardFacts
from merdata.store.links import refuse_links
from merdata.version import __version__

MANIFEST = "merdata.json"
FORMAT = 2  # 1 had no hashes in file names, and none of the card, the ledgers, the splits and itself
HASH_DIGITS = 12  # of the SHA-256 in a file name


def new_manifest(space: LabelSpace) -> Manifest:
    """The manifest of a store without corpora."""
    return {
        "format": FORMAT,
        "merdata": __version__,
        "space": space.name,
        "classes": list(space.classes),
        "corpora": {},
        "shards": {},
    }


def read_manifest(path: Path) -> Manifest | None:
    """`merdata.json` of a store, or None if it does not exist.

    Raises:
        PolicyError: its label space is not known.
        StoreError: it cannot be read, is not valid, or its format is newer; or the store has a link in it.
    """
    refuse_links(path)
    try:
        data = read_some(path / MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise StoreError(f"no permission to read {path / MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    try:
        return _checked(path, data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error


def _checked(path: Path, data: bytes) -> Manifest:
    """A manifest whose names, numbers and hashes have their types and patterns, and whose digest is right.

    Raises:
        StoreError: its format is newer.
        ValueError: it is not.
    """
    document = parse_json(data)
    version = document.get("format") if isinstance(document, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise StoreError(
            f"{path} has store format {cut(version)}, this merdata reads up to {FORMAT}: upgrade merdata"
        )
    manifest = check_type(Manifest, document)
    if unknown := manifest["shards"].keys() - manifest["corpora"].keys():
        raise ValueError(f"shards: {cut(min(unknown))} is not among the corpora")
    if not _is_sealed(data, manifest):
        raise ValueError("its digest is not that of its content")
    label_space(manifest["space"])
    return manifest


def _damaged(path: Path, error: Exception) -> StoreError:
    advice = "delete it and run `merdata build` again for each corpus"
    return StoreError(f"{path / MANIFEST} is damaged ({cut(error)}): {advice}")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write `merdata.json` of a store, atomically.

    Raises:
        StoreError: it cannot be written; or the store is remote, where no lock keeps other writers out, and
            its merdata.json is no longer the one that `manifest` was made from.
    """
    ours = sealed(manifest)
    data = json_text(ours).encode("utf-8")
    if not is_remote(path):
        return write_bytes(path / MANIFEST, data)
    before = version(path / MANIFEST)
    try:
        if _digest(path) != manifest.get("digest"):
            raise FileExistsError
        replace_version(path / MANIFEST, data, before)
    except (OSError, RemoteError) as error:
        if _digest(path) != ours["digest"]:  # else the write succeeded and only its answer was lost
            raise StoreError(f"another merdata wrote {path} while this ran; run it again") from error


def _digest(path: Path) -> str | None:
    manifest = read_manifest(path)
    return manifest.get("digest") if manifest else None


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with its own digest, by which `verify` tells whether it was altered."""
    rest = manifest.copy()
    rest.pop("digest", None)
    return rest | {"digest": hashlib.sha256(json_text(rest).encode("utf-8")).hexdigest()}


def hashed_name(name: str, sha256: str) -> str:
    """The file name of a shard or ledger; other content gets another name, so nothing is overwritten."""
    return f"{name}-{sha256[:HASH_DIGITS]}.parquet"


def shard_path(corpus: str, shard: str, facts: ShardFacts) -> str:
    """Where a shard lies, below the store."""
    return f"data/{corpus}/{facts.get('file', f'{shard}.parquet')}"


def ledger_path(corpus: str, facts: CorpusFacts | None) -> str:
    """Where a corpus's ledger lies, below the store."""
    return f"ledger/{(facts and facts.get('ledger')) or f'{corpus}.parquet'}"


def split_path(protocol: str) -> str:
    """Where a protocol's table lies, below the store."""
    return f"splits/{protocol}.parquet"


def files_of(manifest: Manifest) -> dict[str, str]:
    """Path below the store -> SHA-256, of every file that the manifest names."""
    shards = {
        shard_path(corpus, shard, facts): facts["sha256"]
        for corpus, own in manifest["shards"].items()
        for shard, facts in own.items()
    }
    return shards | manifest.get("files", {})


def _is_sealed(data: bytes, manifest: Manifest) -> bool:
    """Whether merdata.json, as bytes and as read, is as it was written; format 1 has no digest to tell by."""
    if manifest["format"] == 1 and "digest" not in manifest:
        return True
    return data == json_text(sealed(manifest)).encode("utf-8")

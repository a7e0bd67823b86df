"""Which corpora of a store are up to date, found without reading their files.

`.build/seen.json` has, for every corpus at its last build, a fingerprint of everything that went into it:
names, sizes and times of its files, the choices, and this code. File names are listed and not parsed, because
parsing takes ten times as long.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from inspect import getsourcefile, isroutine
from pathlib import Path

from typing_extensions import TypedDict

from merdata.builder.plan import Choice
from merdata.corpora.corpus import Corpus
from merdata.io.files import json_text, write_json
from merdata.io.outside import check_type, parse_json, read_some
from merdata.io.places import is_remote, listing, version
from merdata.store.commit import CARD, CHANGE
from merdata.store.facts import Manifest
from merdata.store.manifest import ledger_path, shard_path, split_path
from merdata.version import __version__

SEEN = ".build/seen.json"
FORMAT = 1


class SeenCorpus(TypedDict):
    """A corpus at its last build: fingerprints of its sources and of its part of merdata.json; its shards."""

    made_from: str
    part: str
    shards: int


class Seen(TypedDict):
    """`.build/seen.json`; `outdated`: protocols that did not fit the rows -> SHA-256 of their files."""

    format: int
    corpora: dict[str, SeenCorpus]
    outdated: dict[str, str]


def fingerprints(choice: Choice) -> dict[str, str]:
    """corpus -> hash of everything that its part of a store is made from."""
    own = list(_code(Path(__file__).parents[1]))
    return {
        corpus.name: _hash(
            [
                __version__,
                json_text(choice.policy.table(corpus.name)),
                choice.policy.space.name,
                choice.on_bad_audio,
                *own,
                *_code_of_others(corpus),
                *_declaration(corpus),
                *(
                    f"{name}={value}{_sight(Path(value).expanduser())}"
                    for name, value in choice.options[corpus.name].items()
                ),
                *_listing(choice.folders[corpus.name]),
            ]
        )
        for corpus in choice.corpora
    }


def unchanged(store: Path, manifest: Manifest, made_from: dict[str, str]) -> dict[str, int]:
    """Corpora whose part of the store is up to date -> number of their shards.

    Args:
        store: its folder.
        manifest: its merdata.json as it is.
        made_from: the fingerprints as they are now.
    """
    seen = _read(store)
    if (store / CHANGE).exists() or not (store / CARD).exists():  # an interrupted commit must be completed
        return {}
    return {
        corpus: seen["corpora"][corpus]["shards"]
        for corpus, fingerprint in made_from.items()
        if corpus in seen["corpora"]
        and seen["corpora"][corpus]["made_from"] == fingerprint
        and seen["corpora"][corpus]["part"] == _part(manifest, corpus)
        and _is_there(store, manifest, corpus)
    }


def outdated(store: Path, manifest: Manifest) -> list[str]:
    """Protocols that did not fit the rows at the last build, and have not been made again."""
    files = manifest.get("files", {})
    return [
        name for name, sha256 in _read(store)["outdated"].items() if files.get(split_path(name)) == sha256
    ]


def remember(
    store: Path, manifest: Manifest, made_from: dict[str, str], shards: dict[str, int], outdated: list[str]
) -> None:
    """Write down what the corpora of a finished build were made from.

    Args:
        store: its folder.
        manifest: its merdata.json now.
        made_from: the fingerprints as they were before the build.
        shards: corpus -> number of shards built or kept.
        outdated: protocols that do not fit the rows.
    """
    seen = _read(store)
    for corpus, number in shards.items():
        part: SeenCorpus = {
            "made_from": made_from[corpus],
            "part": _part(manifest, corpus),
            "shards": number,
        }
        seen["corpora"][corpus] = part
    seen["outdated"] = {name: manifest["files"][split_path(name)] for name in outdated}
    write_json(store / SEEN, seen)


def _read(store: Path) -> Seen:
    with suppress(OSError, ValueError):
        seen = check_type(Seen, parse_json(read_some(store / SEEN)))
        if seen["format"] == FORMAT:
            return seen
    return {"format": FORMAT, "corpora": {}, "outdated": {}}


def _part(manifest: Manifest, corpus: str) -> str:
    return _hash([json_text([manifest["corpora"].get(corpus), manifest["shards"].get(corpus)])])


def _is_there(store: Path, manifest: Manifest, corpus: str) -> bool:
    shards = manifest["shards"][corpus]
    if is_remote(store):
        sizes = {
            f"data/{corpus}/{name}": size for name, (size, _) in listing(store / "data" / corpus).items()
        }
        whole = (
            sizes.get(shard_path(corpus, name, facts)) == facts["bytes"] for name, facts in shards.items()
        )
        return all(whole) and version(store / ledger_path(corpus, manifest["corpora"][corpus])) is not None
    try:
        complete = all(
            (store / shard_path(corpus, name, facts)).stat().st_size == facts["bytes"]
            for name, facts in shards.items()
        )
        return complete and (store / ledger_path(corpus, manifest["corpora"][corpus])).is_file()
    except OSError:
        return False


def _listing(root: Path) -> Iterator[str]:
    """Path, size and time of every file below a folder; of a folder, whose time is its files', the path."""
    if is_remote(root):
        yield from (f"{name} {size} {version}" for name, (size, version) in sorted(listing(root).items()))
        return
    folders = [str(root)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:  # the plan reports what cannot be read
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = entry.path[len(str(root)) :]
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    yield name
                else:
                    yield f"{name}{_sight(entry)}"


def _sight(file: Path | os.DirEntry[str]) -> str:
    """Size and time of a file; nothing if there is none."""
    try:
        facts = file.stat()
    except (OSError, ValueError):
        return ""
    return f" {facts.st_size} {facts.st_mtime_ns}"


def _code(folder: Path) -> Iterator[str]:
    return (line for line in _listing(folder) if "__pycache__" not in line)


def _code_of_others(corpus: Corpus) -> Iterator[str]:
    """The code of a corpus that is not built in: its package, and the file of its reader."""
    if corpus.package and not corpus.is_built_in:
        package = find_spec(corpus.package)
        for folder in (package and package.submodule_search_locations) or ():
            yield from _code(Path(folder))
    read = getattr(corpus.read, "func", corpus.read)  # the function inside a partial
    with suppress(TypeError):
        if source := getsourcefile(read if isroutine(read) else type(read)):
            yield _sight(Path(source))


def _declaration(corpus: Corpus) -> Iterator[str]:
    """The file that one's own corpus was named by, and the YAML files beside it, which may be its maps."""
    if path := corpus.declared_in:
        beside = sorted(path.parent.glob("*.y*ml")) if path.suffix.lower() in (".yaml", ".yml") else [path]
        yield from (f"{file.name}{_sight(file)}" for file in beside)


def _hash(lines: Iterable[str]) -> str:
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

"""Where sources and stores are: in local folders, or at URLs that fsspec knows (s3://, hf://, ...).

A URL becomes a `UPath`, which has the methods of a `Path`; what differs from a disk is here.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from merdata.errors import MerdataError, OptionError, RemoteError

AT_ONCE = 32  # requests that wait for answers in parallel
BLOCK = 8 << 20  # bytes of a file that is read from beginning to end
VERSIONS = ("ETag", "etag", "blob_id", "md5Hash", "mtime", "LastModified", "last_modified", "created")
FILE_ERRORS = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
Item = TypeVar("Item")
Result = TypeVar("Result")
Listing = dict[str, tuple[int, int]]


def place(given: str | Path) -> Path:
    """The path that a text names, on this machine or remote, with `~` as the home folder.

    Raises:
        OptionError: the text is empty, as that of a variable which is not set.
        RemoteError: no package is installed that knows this kind of URL.
    """
    text = str(given)
    if not text:
        raise OptionError("an empty text names no file: write a path, or . for the folder you are in")
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    if "://" in text:
        return _remote(text) if isinstance(given, str) else given
    return Path(os.path.expanduser(given))  # noqa: PTH111  Path's own fails where no such user is


def _remote(url: str) -> Path:
    kind, _, name = url.partition("://")
    if not name.strip("/"):
        raise RemoteError(f"{url} names no bucket: write {kind}://BUCKET/FOLDER")
    try:
        from upath import UPath

        # A cached listing would not show what other machines write.
        path = UPath(url.rstrip("/"), use_listings_cache=False)
        _ = path.fs
    except ImportError as error:
        raise RemoteError(
            f"{kind}:// needs further packages: pip install 'merdata[remote]' ({error})"
        ) from error
    except ValueError as error:
        raise RemoteError(f"{url}: {error}; write for instance s3://BUCKET/FOLDER") from error
    return cast("Path", path)


def on_this_machine(given: str | Path) -> Path:
    """The path that a text names, where only a folder on this machine will do.

    Raises:
        RemoteError: it is a URL.
    """
    if "://" in str(given):
        raise RemoteError(
            f"{given} is not a folder on this machine: write to a local folder and copy it from there"
        )
    return place(given)


def is_remote(path: Path) -> bool:
    """Whether a path is a URL: a `Path` never holds two slashes in a row."""
    return "://" in str(path)


def in_one_process(*paths: Path) -> bool:
    """Whether one of these is in the memory of this process, where no other process can read it."""
    return any(str(path).startswith("memory://") for path in paths)


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Raise errors of the connection (no credentials, no network) as RemoteError; pass on all others.

    Raises:
        RemoteError: the place could not be reached.
    """
    try:
        yield
    except MerdataError:
        raise
    except Exception as error:
        if not is_remote(path) or not _is_of_connection(error):
            raise
        raise RemoteError(f"cannot reach {path}: {str(error) or type(error).__name__}") from error


def _is_of_connection(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, FILE_ERRORS)
    return type(error).__module__.partition(".")[0] not in ("builtins", "merdata", "pyarrow")


def to_read(path: Path, *, small: bool = False) -> Any:
    """What pyarrow and decoders read: a local path, or a remote file that is fetched in the parts they read.

    A small file is fetched whole, with one request.

    Raises:
        FileNotFoundError: the remote file does not exist.
        RemoteError: it could not be reached.
    """
    if not is_remote(path):
        return path
    if small:
        return io.BytesIO(fetch(path))
    with reaching(path):
        return _fs(path).open(_name(path), "rb", cache_type="none")


def to_read_whole(path: Path) -> Any:
    """An open binary file, to be read once from beginning to end."""
    if not is_remote(path):
        return path.open("rb")
    with reaching(path):
        return _fs(path).open(_name(path), "rb", block_size=BLOCK)


def fetch(path: Path) -> bytes:
    """The bytes of a remote file, with one request.

    Raises:
        FileNotFoundError: it does not exist.
        RemoteError: it could not be reached, or not with these credentials.
    """
    options = {"max_concurrency": 1} if _is_s3(path) else {}  # else s3fs asks for the size, then for parts
    try:
        with reaching(path):
            return bytes(_fs(path).cat_file(_name(path), **options))
    except PermissionError as error:
        raise RemoteError(f"no permission to read {path}: {error}") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a local or remote file.

    Raises:
        OSError: it cannot be read.
        RemoteError: it is remote and could not be reached.
    """
    return fetch(path) if is_remote(path) else path.read_bytes()


def upload(file: Path, path: Path) -> None:
    """Upload a file whole: no reader sees half of it.

    Raises:
        OSError, NotImplementedError: no files can be written there.
        RemoteError: it could not be reached.
    """
    if str(path).startswith("hf://"):  # there each file would be a commit
        raise NotImplementedError("build on this machine, then `merdata push` it to the Hub")
    with reaching(path):
        _fs(path).put_file(str(file), _name(path))


def download(path: Path, file: Path) -> None:
    """Copy a remote file to this machine.

    Raises:
        FileNotFoundError: it does not exist.
        RemoteError: it could not be reached.
    """
    with reaching(path):
        _fs(path).get_file(_name(path), str(file))


def listing(folder: Path) -> Listing:
    """Path below a remote folder -> size, and a number that differs between versions of the file.

    Paths that lead out of the folder are left out.

    Raises:
        RemoteError: it could not be reached.
    """
    try:
        with reaching(folder):
            listed = _fs(folder).find(_name(folder), detail=True)
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise RemoteError(f"no permission to read {folder}: {error}") from error
    start = len(_name(folder).rstrip("/")) + 1
    files = {name[start:]: facts for name, facts in listed.items()}
    return {
        name: (int(facts["size"] or 0), _version(facts))
        for name, facts in files.items()
        if name and not {"", ".", ".."} & set(name.split("/"))
    }


def _version(facts: dict[str, Any]) -> int:
    mark = next((str(facts[name]) for name in VERSIONS if facts.get(name)), "")
    return int.from_bytes(sha256(mark.encode("utf-8")).digest()[:7], "big")


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, sorted; none if the folder does not exist."""
    if is_remote(folder):
        return [folder / name for name in sorted(listing(folder))]
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def remove_folder(folder: Path) -> None:
    """Remove a folder and its content, if it exists."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with suppress(FileNotFoundError), reaching(folder):
        _fs(folder).rm(_name(folder), recursive=True)


def version(path: Path) -> str | None:
    """What tells two versions of a remote file apart, or None if the file does not exist."""
    with reaching(path):
        try:
            return str(_fs(path).info(_name(path)).get("ETag", ""))
        except FileNotFoundError:
            return None


def replace_version(path: Path, data: bytes, expected: str | None) -> None:
    """Write a remote file if it still has that version; only S3 checks this at the moment of writing.

    Raises:
        OSError: it has another version.
        RemoteError: it could not be reached.
    """
    conditions: dict[str, str] = {}
    if _is_s3(path):
        conditions = {"IfMatch": expected} if expected else {"IfNoneMatch": "*"}
    with reaching(path):
        _fs(path).pipe_file(_name(path), data, **conditions)


def each(function: Callable[[Item], Result], items: Iterable[Item], where: Path) -> list[Result]:
    """`function` of every item, in order; in parallel where each one waits for the network."""
    if not is_remote(where):
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, items))


def _is_s3(path: Path) -> bool:
    return str(path).startswith(("s3://", "s3a://"))


def _fs(path: Any) -> Any:
    return path.fs


def _name(path: Any) -> str:
    return str(path.path)

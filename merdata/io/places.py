"""Where sources and stores lie: in folders of this machine, or at URLs that fsspec knows (s3://, hf://, ...).

A URL becomes a `UPath`, which has the methods of a `Path`; what it cannot do as a disk does is in this file.
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

from merdata.errors import MerdataError, RemoteError

AT_ONCE = 32  # requests that wait for answers side by side
BLOCK = 8 << 20  # bytes of a file that is read from beginning to end
VERSIONS = ("ETag", "etag", "blob_id", "md5Hash", "mtime", "LastModified", "last_modified", "created")
OF_THE_FILE = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
Item = TypeVar("Item")
Result = TypeVar("Result")
Listing = dict[str, tuple[int, int]]


def place(given: str | Path) -> Path:
    """The folder that a text names, on this machine or elsewhere; a path stays what it is.

    Raises:
        RemoteError: a URL of a kind that is not known, or whose package is not installed.
    """
    if not isinstance(given, str):
        return given
    if given.startswith("file://"):
        return Path(given.removeprefix("file://"))
    return _elsewhere(given) if "://" in given else Path(given)


def _elsewhere(url: str) -> Path:
    kind, _, name = url.partition("://")
    if not name.strip("/"):
        raise RemoteError(f"{url} names no bucket: write {kind}://BUCKET/FOLDER")
    try:
        from upath import UPath

        # A listing that is kept would not see what other machines write.
        path = UPath(url.rstrip("/"), use_listings_cache=False)
        _ = path.fs
    except ImportError as error:
        raise RemoteError(f"{kind}:// needs more: pip install 'merdata[remote]' ({error})") from error
    except ValueError as error:
        raise RemoteError(f"{url}: {error}; s3://BUCKET/FOLDER is one that is known") from error
    return cast("Path", path)


def on_this_machine(given: str | Path) -> Path:
    """The path that a text names, for what is written to folders of this machine alone.

    Raises:
        RemoteError: it is a URL.
    """
    if "://" in str(given):
        raise RemoteError(f"{given} is no folder of this machine: write to one, and copy it from there")
    return Path(given)


def is_remote(path: Path) -> bool:
    """Whether a path is a URL: a `Path` never holds two slashes in a row."""
    return "://" in str(path)


def in_one_process(*paths: Path) -> bool:
    """Whether one of these lies in the memory of this process, where no other could read it."""
    return any(str(path).startswith("memory://") for path in paths)


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Tell faults of the way to a place (no credentials, no network) from faults of what lies there.

    Raises:
        RemoteError: the place could not be reached.
    """
    try:
        yield
    except MerdataError:
        raise
    except Exception as error:
        if not is_remote(path) or not _of_the_way(error):
            raise
        raise RemoteError(f"cannot reach {path}: {str(error) or type(error).__name__}") from error


def _of_the_way(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, OF_THE_FILE)
    return type(error).__module__.partition(".")[0] not in ("builtins", "merdata", "pyarrow")


def to_read(path: Path, *, small: bool = False) -> Any:
    """What pyarrow and decoders read: a path of this machine, or a file of which only what they ask travels.

    A small file comes whole, by one request.

    Raises:
        FileNotFoundError: it is elsewhere, and not there.
        RemoteError: it could not be reached.
    """
    if not is_remote(path):
        return path
    if small:
        return io.BytesIO(fetch(path))
    with reaching(path):
        return _fs(path).open(_name(path), "rb", cache_type="none")


def to_read_whole(path: Path) -> Any:
    """A binary file that is read once from beginning to end."""
    if not is_remote(path):
        return path.open("rb")
    with reaching(path):
        return _fs(path).open(_name(path), "rb", block_size=BLOCK)


def fetch(path: Path) -> bytes:
    """The bytes of a remote file, by one request.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: it could not be reached, or not with these credentials.
    """
    at_once = {"max_concurrency": 1} if _is_s3(path) else {}  # else s3fs asks for the size, then for parts
    try:
        with reaching(path):
            return bytes(_fs(path).cat_file(_name(path), **at_once))
    except PermissionError as error:
        raise RemoteError(f"no permission to read {path}: {error}") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, wherever it lies.

    Raises:
        OSError: it cannot be read.
        RemoteError: it is elsewhere and could not be reached.
    """
    return fetch(path) if is_remote(path) else path.read_bytes()


def upload(file: Path, path: Path) -> None:
    """Put a file of this machine elsewhere, whole: nobody sees half of it.

    Raises:
        OSError, NotImplementedError: that place takes no files.
        RemoteError: it could not be reached.
    """
    if str(path).startswith("hf://"):  # where each file would be a commit
        raise NotImplementedError("build on this machine, then `merdata push` it to the Hub")
    with reaching(path):
        _fs(path).put_file(str(file), _name(path))


def download(path: Path, file: Path) -> None:
    """Copy a remote file to this machine.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: it could not be reached.
    """
    with reaching(path):
        _fs(path).get_file(_name(path), str(file))


def listing(folder: Path) -> Listing:
    """Path below a remote folder -> size, and a number that is another for another version of the file.

    Paths that lead out of the folder are left out.

    Raises:
        RemoteError: it could not be reached.
    """
    try:
        with reaching(folder):
            found = _fs(folder).find(_name(folder), detail=True)
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise RemoteError(f"no permission to read {folder}: {error}") from error
    start = len(_name(folder).rstrip("/")) + 1
    files = {name[start:]: facts for name, facts in found.items()}
    return {
        name: (int(facts["size"] or 0), _version(facts))
        for name, facts in files.items()
        if name and not {"", ".", ".."} & set(name.split("/"))
    }


def _version(facts: dict[str, Any]) -> int:
    mark = next((str(facts[name]) for name in VERSIONS if facts.get(name)), "")
    return int.from_bytes(sha256(mark.encode("utf-8")).digest()[:7], "big")


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, sorted; none where there is no folder."""
    if is_remote(folder):
        return [folder / name for name in sorted(listing(folder))]
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it, if it is there."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with suppress(FileNotFoundError), reaching(folder):
        _fs(folder).rm(_name(folder), recursive=True)


def version(path: Path) -> str | None:
    """What tells a remote file from the next of its name, or None where there is no file."""
    with reaching(path):
        try:
            return str(_fs(path).info(_name(path)).get("ETag", ""))
        except FileNotFoundError:
            return None


def replace_version(path: Path, data: bytes, expected: str | None) -> None:
    """Write a remote file if it still is of that version; only S3 sees to it in the very moment of writing.

    Raises:
        OSError: it is of another version.
        RemoteError: it could not be reached.
    """
    conditions: dict[str, str] = {}
    if _is_s3(path):
        conditions = {"IfMatch": expected} if expected else {"IfNoneMatch": "*"}
    with reaching(path):
        _fs(path).pipe_file(_name(path), data, **conditions)


def each(function: Callable[[Item], Result], items: Iterable[Item], where: Path) -> list[Result]:
    """`function` of every item, in order; many wait side by side where each one asks the network."""
    if not is_remote(where):
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, items))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of this machine for as long as the block runs; named by its process, for `remove_scratch`."""
    import tempfile

    folder = tempfile.mkdtemp(prefix=f"merdata-{os.getpid()}-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def working_folder(store: Path) -> Iterator[Path]:
    """Where a build keeps notes for itself: inside the store, if that is on this machine."""
    if not is_remote(store):
        yield store.absolute() / ".build"  # a worker may have another working directory
        return
    with scratch() as folder:
        yield folder


def remove_scratch() -> None:
    """Remove what killed processes left of theirs."""
    import tempfile

    for folder in Path(tempfile.gettempdir()).glob("merdata-*-*"):
        process = folder.name.split("-")[1]
        if process.isdigit() and not _is_alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_s3(path: Path) -> bool:
    return str(path).startswith(("s3://", "s3a://"))


def _fs(path: Any) -> Any:
    return path.fs


def _name(path: Any) -> str:
    return str(path.path)

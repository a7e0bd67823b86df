# ruff: noqa: ARG001, N815  every call has the same arguments; http.server gives the names
"""A small Hugging Face Hub on the loopback: repositories of models and data sets in memory.

It answers the calls of `huggingface_hub` that create a repository, upload files (regular and LFS) in commits
and download them again, and it can be told to fail. A client must know its address before it imports
huggingface_hub: a process of its own gets it in `environment`, and this process is `visited`.

    with FakeHub() as hub:
        subprocess.run([...], env=hub.environment(tmp_path))
        hub.repos["model", "tester/name"].files["README.md"]
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

USER, TOKEN = "tester", "hf_loopback"
LFS_SUFFIXES = (".safetensors", ".parquet", ".bin")
DATE = "2026-01-01T00:00:00.000Z"
KINDS = {"models": "model", "datasets": "dataset"}


@dataclass
class Repo:
    """A repository: its files now, the number of commits, and of those while not private.

    `private` may be None: then the Hub does not say.
    """

    private: bool | None
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    public_commits: int = 0

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.commits}".encode()).hexdigest()  # noqa: S324


@dataclass
class Failure:
    """How to answer the next calls that fit: a status, or a connection that is cut."""

    method: str
    part: str
    status: int
    times: int
    headers: dict[str, str]


ONLY_LOOPBACK = """
import sys
def only_loopback(event, args):
    host = args[1][0] if event == "socket.connect" and isinstance(args[1], tuple) else None
    host = args[0] if event == "socket.getaddrinfo" else host
    if host == "datasets-server.127.0.0.1":  # datasets' own name for a part of HF_ENDPOINT; it is not there
        raise ConnectionError(host)
    if host not in (None, "127.0.0.1", "localhost"):
        sys.stderr.write(f"DIALLED {host}\\n")
        raise ConnectionError(host)
sys.addaudithook(only_loopback)
"""


POLL_SECONDS = 0.01  # how soon a server that is shut down ends


class FakeHub:
    """The server; `repos` holds (kind, id) -> Repo, `calls` every request in order."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.failures: list[Failure] = []
        self.actions: list[tuple[str, str, Callable[[], None]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self.server.serve_forever, args=[POLL_SECONDS], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def environment(self, home: Path, token: str | None = TOKEN) -> dict[str, str]:
        """Variables for a process that is to talk to this Hub and to nothing else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        own |= {"HF_UPDATE_DOWNLOAD_COUNTS": "0"}  # which load_dataset would send to another host
        return kept | own | ({"HF_TOKEN": token} if token else {})

    @contextmanager
    def visited(self, home: Path, token: str | None = TOKEN) -> Iterator[None]:
        """This process talks to this Hub, as one of `environment` would: another imports for seconds.

        huggingface_hub reads the variables when it is imported, so its constants are computed again.
        """
        from huggingface_hub import constants

        spec = importlib.util.spec_from_file_location("constants", str(constants.__file__))
        assert spec and spec.loader
        with patch.dict(os.environ, self.environment(home, token), clear=True):
            again = importlib.util.module_from_spec(spec)
            again.__package__ = constants.__package__
            spec.loader.exec_module(again)
            own = {name: value for name, value in vars(again).items() if name.isupper()}
            with patch.multiple(constants, **own):
                yield

    def fail(
        self, method: str, part: str, status: int = 0, times: int = 1, headers: dict[str, str] | None = None
    ) -> None:
        """Answer the next `times` calls of `method` whose path holds `part` with `status`, 0 with none."""
        self.failures.append(Failure(method, part, status, times, headers or {}))

    def before(self, method: str, part: str, action: Callable[[], None]) -> None:
        """Do something once, before the next call of `method` whose path holds `part` is answered."""
        self.actions.append((method, part, action))

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(_Handler):
            pass

        Handler.hub = hub
        return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body at once: two packets wait 40 ms for each other
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.calls.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for one in [one for one in self.hub.actions if one[0] == self.command and one[1] in path]:
            self.hub.actions.remove(one)
            one[2]()
        failure = next(
            (one for one in self.hub.failures if one.method == self.command and one.part in path), None
        )
        if failure is not None:
            self._fail(failure)
            return
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split():
                answer(self, body, **found.groupdict())
                return
        self.json({"error": f"no such call: {self.command} {path}"}, 404)

    def _fail(self, failure: Failure) -> None:
        failure.times -= 1
        if failure.times == 0:
            self.hub.failures.remove(failure)
        if failure.status:
            self.json({"error": "told to fail"}, failure.status, failure.headers)
        else:
            self.close_connection = True
            self.connection.close()

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.reply(
            json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})}
        )

    def reply(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @property
    def known(self) -> bool:
        """Whether the caller may see private repositories and write."""
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def repo(self, kind: str, id: str) -> Repo | None:
        """The repository, or None after answering that there is none (for this caller)."""
        found = self.hub.repos.get((kind, id))
        if found is None or (found.private and not self.known):
            status = 404 if self.known else 401
            self.json({"error": "Repository not found"}, status, {"X-Error-Code": "RepoNotFound"})
            return None
        return found

    def allowed(self, id: str) -> bool:
        """Whether the caller may write there; False after answering that it may not."""
        if not self.known:
            self.json({"error": "Invalid username or password."}, 401)
        elif id.partition("/")[0] != USER:
            self.json({"error": "You don't have the rights"}, 403)
        return self.known and id.partition("/")[0] == USER


def whoami(call: _Handler, _: bytes) -> None:
    if call.known:
        call.json({"type": "user", "name": USER, "orgs": [], "auth": {"type": "access_token"}})
    else:
        call.json({"error": "Invalid username or password."}, 401)


def create(call: _Handler, body: bytes) -> None:
    asked = json.loads(body)
    id = f"{asked.get('organization') or USER}/{asked['name']}"
    key = asked.get("type") or "model", id
    if not call.allowed(id):
        return
    there = key in call.hub.repos
    if not there:
        call.hub.repos[key] = Repo(asked.get("visibility") == "private" or bool(asked.get("private")))
    prefix = "" if key[0] == "model" else f"{key[0]}s/"
    call.json({"url": f"{call.hub.url}/{prefix}{id}", "id": id}, 409 if there else 200)


def validate(call: _Handler, body: bytes) -> None:
    content = json.loads(body)["content"]
    faults = [] if content.startswith("---\n") else [{"message": "the card has no YAML header"}]
    call.json({"errors": faults, "warnings": []}, 400 if faults else 200)


def info(call: _Handler, _: bytes, kind: str, id: str, revision: str | None = None) -> None:
    repo = call.repo(KINDS[kind], id)
    if repo is None:
        return
    if revision not in (None, "main", repo.sha):
        call.json({"error": "Revision not found"}, 404, {"X-Error-Code": "RevisionNotFound"})
        return
    facts = {"_id": id, "id": id, "modelId": id, "sha": repo.sha}
    facts |= {} if repo.private is None else {"private": repo.private}
    counts = {"disabled": False, "gated": False, "downloads": 0, "likes": 0, "tags": []}
    names = [{"rfilename": name} for name in sorted(repo.files)]
    call.json({**facts, **counts, "createdAt": DATE, "lastModified": DATE, "siblings": names})


def tree(call: _Handler, _: bytes, kind: str, id: str, revision: str, folder: str | None = None) -> None:
    repo = call.repo(KINDS[kind], id)
    if repo is None:
        return
    under = f"{folder}/" if folder else ""
    names = [name for name in sorted(repo.files) if name.startswith(under)]
    if folder and not names:
        call.json({"error": f"{folder} does not exist"}, 404, {"X-Error-Code": "EntryNotFound"})
        return
    recursive = "recursive=true" in urlsplit(call.path).query.lower()
    folders = {f"{under}{name.removeprefix(under).partition('/')[0]}" for name in names}
    entries = [
        {"type": "directory", "path": one, "size": 0, "oid": _oid(one.encode())}
        for one in folders - set(names)
    ]
    files = names if recursive else [name for name in names if name in folders]
    call.json(entries + [_entry(name, repo.files[name]) for name in files])


def paths_info(call: _Handler, body: bytes, kind: str, id: str, revision: str) -> None:
    repo = call.repo(KINDS[kind], id)
    if repo is not None:
        asked = json.loads(body)["paths"]
        call.json([_entry(name, repo.files[name]) for name in asked if name in repo.files])


def preupload(call: _Handler, body: bytes, kind: str, id: str, revision: str) -> None:
    if not call.allowed(id) or call.repo(KINDS[kind], id) is None:
        return
    files = [
        {
            "path": one["path"],
            "uploadMode": "lfs" if _is_lfs(one["path"]) else "regular",
            "shouldIgnore": False,
        }
        for one in json.loads(body)["files"]
    ]
    call.json({"files": files})


def lfs_batch(call: _Handler, body: bytes, id: str, prefix: str | None = None) -> None:
    if not call.allowed(id):
        return
    objects = []
    for one in json.loads(body)["objects"]:
        there = one["oid"] in call.hub.blobs
        upload = {"upload": {"href": f"{call.hub.url}/lfs/{one['oid']}"}}
        objects.append({**one, **({} if there else {"actions": upload})})
    call.json({"transfer": "basic", "objects": objects})


def settings(call: _Handler, body: bytes, kind: str, id: str) -> None:
    repo = call.repo(KINDS[kind], id) if call.allowed(id) else None
    if repo is not None:
        repo.private = json.loads(body).get("visibility") == "private"
        call.json({"private": repo.private})


def lfs_put(call: _Handler, body: bytes, oid: str) -> None:
    whole = hashlib.sha256(body).hexdigest() == oid
    if whole:
        call.hub.blobs[oid] = body
    call.reply(b"", 200 if whole else 400)


def commit(call: _Handler, body: bytes, kind: str, id: str, revision: str) -> None:
    repo = call.repo(KINDS[kind], id) if call.allowed(id) else None
    if repo is None:
        return
    files = dict(repo.files)
    for line in body.decode().splitlines():
        entry = json.loads(line)
        value = entry["value"]
        if entry["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif entry["key"] == "lfsFile":
            files[value["path"]] = call.hub.blobs[value["oid"]]
        elif entry["key"] == "deletedFile":
            files.pop(value["path"], None)
        elif entry["key"] == "deletedFolder":
            files = {name: data for name, data in files.items() if not name.startswith(value["path"])}
    repo.files, repo.commits = files, repo.commits + 1
    repo.public_commits += not repo.private
    call.json({"success": True, "commitOid": repo.sha, "commitUrl": f"{call.hub.url}/{id}/commit/{repo.sha}"})


def resolve(call: _Handler, _: bytes, id: str, revision: str, name: str, prefix: str | None = None) -> None:
    repo = call.repo("dataset" if prefix else "model", id)
    if repo is None:
        return
    if name not in repo.files:
        call.json(
            {"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repo.sha}
        )
        return
    data = repo.files[name]
    headers = {"ETag": f'"{_etag(name, data)}"', "X-Repo-Commit": repo.sha, "Accept-Ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("Range") or "")
    if asked and call.command == "GET":
        start, end = int(asked[1]), int(asked[2] or len(data) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        call.reply(data[start : end + 1], 206, headers)
    else:
        call.reply(data, 200, headers)


def _is_lfs(path: str) -> bool:
    return path.endswith(LFS_SUFFIXES)


def _oid(data: bytes) -> str:
    """git's name of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324


def _etag(name: str, data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if _is_lfs(name) else _oid(data)


def _entry(name: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(data), "oid": _oid(data)}
    if _is_lfs(name):
        entry["lfs"] = {"oid": _etag(name, data), "size": len(data), "pointerSize": 130}
    return entry


API = r"/api/(?P<kind>models|datasets)/(?P<id>[^/]+/[^/]+)"
FILES = r"/(?P<prefix>datasets/)?(?P<id>[^/]+/[^/]+?)"
ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("GET", "/api/whoami-v2", whoami),
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate),
    ("GET", API, info),
    ("GET", API + "/revision/(?P<revision>.+)", info),
    ("GET", API + "/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?", tree),
    ("PUT", API + "/settings", settings),
    ("POST", API + "/paths-info/(?P<revision>[^/]+)", paths_info),
    ("POST", API + "/preupload/(?P<revision>[^/]+)", preupload),
    ("POST", API + "/commit/(?P<revision>[^/]+)", commit),
    ("POST", FILES + r"\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]+)", lfs_put),
    ("GET HEAD", FILES + "/resolve/(?P<revision>[^/]+)/(?P<name>.+)", resolve),
]

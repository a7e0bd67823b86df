"""A store on the Hugging Face Hub: the verified bytes, as far as the licences let them, private by default.

stage -> licence gate -> who sees the target? -> bytes -> who sees it now? -> commit -> who sees it now?
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.corpora.registry import registry
from merdata.corpora.terms import Terms
from merdata.errors import CorpusNotFound, HubError, LicenceError, StoreError
from merdata.hub.gate import Request, Visibility, check
from merdata.hub.privacy import check_privacy
from merdata.hub.staging import stage
from merdata.io.places import is_remote
from merdata.store.commit import locked
from merdata.store.facts import Upload
from merdata.store.store import Store, open_store

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def push(
    store: str | Path | Store,
    repo: str,
    *,
    corpora: Iterable[str] | None = None,
    protocols: Iterable[str] | None = None,
    labels_only: bool = False,
    public: bool = False,
    rights: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Upload a store, or a part of it.

    Args:
        store: the store, or its folder.
        repo: `OWNER/NAME` of a dataset on the Hub; made if it is not there.
        corpora: only these.
        protocols: only these (default: all that say something of the corpora).
        labels_only: leave out the audio, and the transcripts where they are licensed.
        public: let everyone see it, if the licences do.
        rights: by which right, in a sentence for the card, where a licence limits who may publish.
        dry_run: only look who sees the target, and change nothing.

    Returns:
        repo, url (None in a dry run), target (who saw it before), private (whether it is then), labels_only,
        permissions (of each corpus), files (path and bytes), refusal (a sentence in a dry run, or None).

    Raises:
        CorpusNotFound: the store holds no such corpus.
        HubError: the Hub cannot be reached, or refuses.
        LicenceError: the licences, or who sees the target, do not allow it.
        SplitError: no such protocol.
        StoreError: the store is damaged, or names folders of this machine.
    """
    from huggingface_hub import HfApi

    from merdata.hub.client import check_repo, hub_errors, visibility, with_retries
    from merdata.hub.sending import send

    check_repo(repo)
    store = store if isinstance(store, Store) else open_store(store)
    if is_remote(store.path):
        raise StoreError(f"{store.path} is elsewhere: copy the store to this machine, and push it from there")
    request = _request(store, corpora, public=public, labels_only=labels_only, rights=rights)
    if not dry_run:
        check(request, repo, Visibility.ABSENT)  # before any work
    api = HfApi()
    if not dry_run:
        with hub_errors(repo):
            check(request, repo, with_retries(lambda: visibility(api, repo, "dataset")))
    with _staged(store, request, protocols) as folder:
        found = {
            "repo": repo,
            "url": None,
            "labels_only": labels_only,
            "permissions": {name: one.value for name, one in request.permissions(public=public).items()},
            "files": _sizes(folder),
        }
        if dry_run:
            target, refusal = _foreseen(api, request, repo)
            return found | _seen(target, public) | {"refusal": refusal}
        with hub_errors(repo):
            seen = send(api, request, repo, folder)
        url = f"{api.endpoint}/datasets/{repo}"
        return found | _seen(seen, public) | {"url": url, "refusal": None}


def _request(store: Store, corpora: Iterable[str] | None, **wanted: Any) -> Request:
    names = sorted(store.corpora) if corpora is None else sorted(set(corpora))
    unknown = [name for name in names if name not in store.corpora]
    if unknown:
        raise CorpusNotFound(
            f"{store.path} holds no {', '.join(unknown)}; it holds {', '.join(store.corpora)}"
        )
    known = registry()
    rights = wanted.pop("rights")
    if rights is not None and not rights.strip():
        raise LicenceError(
            '--i-have-rights needs the reason, as in --i-have-rights "bought the commercial licence"'
        )
    terms = {name: known[name].terms if name in known else Terms() for name in names}
    return Request(terms, rights=" ".join(rights.split()) if rights else None, **wanted)


@contextmanager
def _staged(store: Store, request: Request, protocols: Iterable[str] | None) -> Iterator[Path]:
    """A folder with what is to go up, for as long as the block runs."""
    folder = store.path / ".build" / "push"
    record: Upload = {
        "public": request.public,
        "labels_only": request.labels_only,
        "rights": request.rights,
    }
    with locked(store.path):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            stage(
                store,
                folder,
                corpora=request.terms,
                protocols=protocols,
                without_text=_without_text(request) if request.labels_only else None,
                record=record,
                note=_note(request),
            )
            check_privacy(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _note(request: Request) -> str:
    """What the card says of an upload of labels alone."""
    if not request.labels_only:
        return ""
    silent = _without_text(request)
    transcripts = f" Neither were the transcripts of {', '.join(silent)}." if silent else ""
    told = f"These are labels and metadata only: the audio was not uploaded.{transcripts}"
    return f"\n## Labels only\n\n{told}\n"


def _without_text(request: Request) -> list[str]:
    """The corpora whose transcripts do not go with their labels."""
    return [name for name, terms in request.terms.items() if not terms.text]


def _seen(target: Visibility, public: bool) -> dict[str, Any]:
    """Who saw the target before, and whether it is private after: one that exists stays as it is."""
    private = target is Visibility.PRIVATE or (target is not Visibility.PUBLIC and not public)
    return {"target": target.value, "private": private}


def _foreseen(api: HfApi, request: Request, repo: str) -> tuple[Visibility, str | None]:
    """Who sees the target now, and why the upload would be refused, if it would."""
    from merdata.hub.client import hub_errors, visibility

    try:
        with hub_errors(repo):
            target = visibility(api, repo, "dataset")
    except HubError:
        target = Visibility.UNKNOWN
    try:
        check(request, repo, target)
    except LicenceError as error:
        return target, str(error)
    return target, None


def _sizes(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [{"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size} for path in paths]

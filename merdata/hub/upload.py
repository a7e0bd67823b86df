"""Uploads a store to the Hugging Face Hub: checked bytes, as far as licences allow, private by default.

stage -> licence gate -> who can see the target? -> bytes -> and now? -> commit -> and now?
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from huggingface_hub import HfApi

from merdata.corpora.registry import registry
from merdata.corpora.terms import Terms
from merdata.errors import HubError, LicenceError, StoreError
from merdata.hub.allowed import names_of
from merdata.hub.client import check_repo, hub_errors, visibility, with_retries
from merdata.hub.gate import Request, Visibility, check
from merdata.hub.privacy import check_privacy
from merdata.hub.rows import check_rows
from merdata.hub.sending import send
from merdata.hub.staging import stage
from merdata.io.places import is_remote
from merdata.store.commit import locked
from merdata.store.facts import UploadRecord
from merdata.store.links import refuse_links
from merdata.store.store import Store, open_store


class FileSize(TypedDict):
    """A file to upload: its path below the repository, and its size."""

    path: str
    bytes: int


class Upload(TypedDict):
    """The account of an upload, or of a dry run.

    `url` is None in a dry run. `target` says who could see the dataset before, `private` whether it is
    private after. `permissions` has the permission that each corpus needs. `refusal` is the sentence that
    an upload would end with, in a dry run, or None.
    """

    repo: str
    url: str | None
    target: str
    private: bool
    labels_only: bool
    permissions: dict[str, str]
    files: list[FileSize]
    refusal: str | None


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
) -> Upload:
    """Upload a store, or a part of it.

    Args:
        store: the store, or its folder.
        repo: `OWNER/NAME` of a dataset on the Hub; created if it does not exist.
        corpora: only these.
        protocols: only these (default: all that split rows of the corpora).
        labels_only: leave out the audio, and the transcripts where they are licensed.
        public: let everyone see it, if the licences allow that.
        rights: the right to share it, in a sentence for the card, where a licence limits who may publish.
        dry_run: only check who can see the target, and change nothing.

    Raises:
        CorpusNotFound: the store does not have such a corpus.
        HubError: the Hub cannot be reached, or refuses.
        LicenceError: the licences do not allow it, or not for those who can see the target.
        SplitError: a protocol does not exist, is outdated, or does not split these corpora.
        StoreError: the store is damaged, or contains paths of this machine.
    """
    check_repo(repo)
    store = open_store(store)
    if is_remote(store.path):
        raise StoreError(f"{store.path} is remote: copy the store to this machine, and push it from there")
    request = Request(
        terms=_terms(store, store.named(corpora)),
        public=public,
        labels_only=labels_only,
        rights=_sentence(rights),
    )
    api = HfApi()
    if not dry_run:
        check(request, repo, Visibility.ABSENT)  # before any work
        with hub_errors(repo):
            check(request, repo, with_retries(lambda: visibility(api, repo, "dataset")))
    with _staged(store, request, protocols) as staged:
        url, refusal = None, None
        if dry_run:
            before, refusal = _foreseen(api, request, repo)
        else:
            with hub_errors(repo):
                before = send(api, request, repo, staged)
            url = f"{api.endpoint}/datasets/{repo}"
        permissions = request.permissions(public=public)
        return Upload(
            repo=repo,
            url=url,
            target=before.value,
            private=_is_private_after(before, public),
            labels_only=labels_only,
            permissions={name: permission.value for name, permission in permissions.items()},
            files=_sizes(staged),
            refusal=refusal,
        )


def _terms(store: Store, corpora: Iterable[str]) -> dict[str, Terms]:
    """The terms of each corpus: of one's own as its owner stated them.

    A corpus of another package that is not installed here must not be uploaded.
    """
    known = registry()
    stated = {name: store.corpora[name].get("terms", {}) for name in corpora}
    return {name: known[name].terms if name in known else Terms.from_json(stated[name]) for name in corpora}


def _sentence(rights: str | None) -> str | None:
    """The stated right on one line."""
    if rights is not None and not rights.strip():
        raise LicenceError(
            '--i-have-rights needs the reason, as in --i-have-rights "bought the commercial licence"'
        )
    return " ".join(rights.split()) if rights else None


@contextmanager
def _staged(store: Store, request: Request, protocols: Iterable[str] | None) -> Iterator[Store]:
    """A store of everything to upload; it is removed when the block ends."""
    folder = store.path / ".build" / "push"
    record: UploadRecord = {
        "public": request.public,
        "labels_only": request.labels_only,
        "rights": request.rights,
    }
    with locked(store.path):
        refuse_links(store.path)  # again, now that nobody else writes the store
        shutil.rmtree(folder, ignore_errors=True)
        try:
            staged = stage(
                store,
                folder,
                corpora=request.terms,
                protocols=protocols,
                without_text=_without_text(request) if request.labels_only else None,
                record=record,
                note=_note(request),
            )
            check_rows(staged)
            check_privacy(folder)
            yield staged
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _note(request: Request) -> str:
    """What the card says of an upload of labels only."""
    if not request.labels_only:
        return ""
    silent = _without_text(request)
    transcripts = f" Neither were the transcripts of {', '.join(silent)}." if silent else ""
    told = f"These are labels and metadata only: the audio was not uploaded.{transcripts}"
    return f"\n## Labels only\n\n{told}\n"


def _without_text(request: Request) -> list[str]:
    """The corpora whose transcripts must not be uploaded with the labels."""
    return [name for name, terms in request.terms.items() if not terms.text]


def _is_private_after(before: Visibility, public: bool) -> bool:
    """An upload creates the dataset as wanted; one that exists stays as it is."""
    return before is Visibility.PRIVATE or (before is not Visibility.PUBLIC and not public)


def _foreseen(api: HfApi, request: Request, repo: str) -> tuple[Visibility, str | None]:
    """Who can see the target now, and why an upload would be refused, or None."""
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


def _sizes(staged: Store) -> list[FileSize]:
    return [{"path": name, "bytes": (staged.path / name).stat().st_size} for name in names_of(staged)]

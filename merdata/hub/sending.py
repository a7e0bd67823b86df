"""Uploads a folder to a dataset on the Hub, and checks who can see it before, between and after.

    who can see it? -> bytes -> and now? -> commit -> and now?

Nobody can see bytes that no commit names, so a repository that becomes public during the upload gets nothing.
"""

from __future__ import annotations

from fnmatch import fnmatch

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi

from merdata.errors import HubError, LicenceError
from merdata.hub.allowed import additions
from merdata.hub.client import hub_errors, visibility, with_retries
from merdata.hub.gate import Request, Visibility, check
from merdata.store.store import Store

KIND = "dataset"
# Files of an earlier upload that this one does not have are deleted, where they match these.
REPLACED = ("data/*", "ledger/*", "splits/*", "figures/*", "LICENSE.md")


def send(api: HfApi, request: Request, repo: str, store: Store) -> Visibility:
    """Upload a staged store to a dataset on the Hub, created if it does not exist.

    Returns:
        Who could see the dataset before.

    Raises:
        HfHubHTTPError: the Hub refuses.
        LicenceError: the licences do not allow an upload to those who can see the dataset.
        StoreError: a file is not what it was when it was staged.
    """
    before = with_retries(lambda: visibility(api, repo, KIND))
    check(request, repo, before)
    files = list(additions(store))
    if before is Visibility.ABSENT:
        api.create_repo(repo, repo_type=KIND, private=not request.public, exist_ok=True)
        _check_again(api, request, repo)
    if not request.public:  # the large files first: nobody can see them before a commit names them
        with_retries(lambda: api.preupload_lfs_files(repo, files, repo_type=KIND))
        _check_again(api, request, repo)
    with_retries(lambda: _commit(api, repo, files))
    try:
        _check_again(api, request, repo)
    except LicenceError as error:
        raise LicenceError(f"{error}. {_hide(api, repo)}") from error
    return before


def _commit(api: HfApi, repo: str, files: list[CommitOperationAdd]) -> CommitInfo:
    """One commit with all files, which deletes those of an earlier upload that are not among them."""
    names = {file.path_in_repo for file in files}
    old = [
        CommitOperationDelete(name)
        for name in api.list_repo_files(repo, repo_type=KIND)
        if name not in names and any(fnmatch(name, pattern) for pattern in REPLACED)
    ]
    return api.create_commit(
        repo, [*old, *files], commit_message="Upload a store built by merdata", repo_type=KIND
    )


def _check_again(api: HfApi, request: Request, repo: str) -> None:
    """Check the dataset as it is now: its owner may have changed who can see it."""
    check(request, repo, with_retries(lambda: visibility(api, repo, KIND)))


def _hide(api: HfApi, repo: str) -> str:
    """Make a repository private that became public during the upload; the outcome as a sentence."""
    try:
        with hub_errors(repo):
            api.update_repo_settings(repo, repo_type=KIND, private=True)
    except HubError as error:
        return f"It became public during the upload; making it private failed ({error}): do so on the Hub now"
    return "It became public during the upload and was made private again: see on the Hub who changed it"

"""Uploads a folder to a dataset on the Hub, and checks who can see it before, between and after.

    who can see it? -> bytes -> and now? -> commit -> and now?

Nobody can see bytes that no commit names, so a repository that becomes public during the upload gets nothing.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

from merdata.errors import HubError, LicenceError
from merdata.hub.client import hub_errors, visibility, with_retries
from merdata.hub.gate import Request, Visibility, check

KIND = "dataset"
# Files of an earlier upload that this one does not have are deleted, where they match these.
REPLACED = ["data/*", "ledger/*", "splits/*", "figures/*", "LICENSE.md"]


def send(api: HfApi, request: Request, repo: str, folder: Path) -> Visibility:
    """Upload a whole folder to a dataset on the Hub, created if it does not exist.

    Returns:
        Who could see the dataset before.

    Raises:
        HfHubHTTPError: the Hub refuses.
        LicenceError: the licences do not allow an upload to those who can see the dataset.
    """
    before = with_retries(lambda: visibility(api, repo, KIND))
    check(request, repo, before)
    if before is Visibility.ABSENT:
        api.create_repo(repo, repo_type=KIND, private=not request.public, exist_ok=True)
        _check_again(api, request, repo)
    if not request.public:
        with_retries(lambda: _send_bytes(api, repo, folder))
        _check_again(api, request, repo)
    with_retries(
        lambda: api.upload_folder(
            repo_id=repo,
            repo_type=KIND,
            folder_path=folder,
            delete_patterns=REPLACED,
            commit_message="Upload a store built by merdata",
        )
    )
    try:
        _check_again(api, request, repo)
    except LicenceError as error:
        raise LicenceError(f"{error}. {_hide(api, repo)}") from error
    return before


def _check_again(api: HfApi, request: Request, repo: str) -> None:
    """Check the dataset as it is now: its owner may have changed who can see it."""
    check(request, repo, with_retries(lambda: visibility(api, repo, KIND)))


def _send_bytes(api: HfApi, repo: str, folder: Path) -> None:
    """Send the large files, which nobody can see before a commit names them."""
    additions = [
        CommitOperationAdd(path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    api.preupload_lfs_files(repo, additions, repo_type=KIND)


def _hide(api: HfApi, repo: str) -> str:
    """Make a repository private that became public during the upload; the outcome as a sentence."""
    try:
        with hub_errors(repo):
            api.update_repo_settings(repo, repo_type=KIND, private=True)
    except HubError as error:
        return f"It became public during the upload; making it private failed ({error}): do so on the Hub now"
    return "It became public during the upload and was made private again: see on the Hub who changed it"

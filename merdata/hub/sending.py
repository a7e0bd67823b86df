"""A folder to a dataset on the Hub, which is looked at before, between and after.

    who sees it? -> bytes -> who sees it now? -> commit -> who sees it now?

Bytes that no commit names are seen by nobody, so a repository that is made public while they go up gets none.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

from merdata.errors import HubError, LicenceError
from merdata.hub.client import hub_errors, visibility, with_retries
from merdata.hub.gate import Request, Visibility, check

KIND = "dataset"
OURS = [
    "data/*",
    "ledger/*",
    "splits/*",
    "figures/*",
    "LICENSE.md",
]  # where an earlier upload may have left what this one lacks


def send(api: HfApi, request: Request, repo: str, folder: Path) -> Visibility:
    """Upload all of a folder to a dataset on the Hub, made if need be.

    Returns:
        Who saw the target before.

    Raises:
        HfHubHTTPError: the Hub refuses.
        LicenceError: who sees the target does not allow it, now or meanwhile.
    """
    before = with_retries(lambda: visibility(api, repo, KIND))
    check(request, repo, before)
    if before is Visibility.ABSENT:
        api.create_repo(repo, repo_type=KIND, private=not request.public, exist_ok=True)
        _look_again(api, request, repo)
    if not request.public:
        with_retries(lambda: _send_bytes(api, repo, folder))
        _look_again(api, request, repo)
    with_retries(
        lambda: api.upload_folder(
            repo_id=repo,
            repo_type=KIND,
            folder_path=folder,
            delete_patterns=OURS,
            commit_message="Upload a store built by merdata",
        )
    )
    try:
        _look_again(api, request, repo)
    except LicenceError as error:
        raise LicenceError(f"{error}. {_hide(api, repo)}") from error
    return before


def _look_again(api: HfApi, request: Request, repo: str) -> None:
    """Check the target as it is now: it may be another's to decide, and it may have changed."""
    check(request, repo, with_retries(lambda: visibility(api, repo, KIND)))


def _send_bytes(api: HfApi, repo: str, folder: Path) -> None:
    """Send the large files, which nobody sees before a commit names them."""
    additions = [
        CommitOperationAdd(path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    api.preupload_lfs_files(repo, additions, repo_type=KIND)


def _hide(api: HfApi, repo: str) -> str:
    """Make a repository private that became public under our hands; what became of it, as a sentence."""
    try:
        with hub_errors(repo):
            api.update_repo_settings(repo, repo_type=KIND, private=True)
    except HubError as error:
        return f"It changed during the upload and could not be made private ({error}): do so on the Hub now"
    return "It changed during the upload and was made private again: see on the Hub who changed it"

"""A run's model on the Hugging Face Hub and back; private unless the caller says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from merdata_train.errors import HubError, RunError
from merdata_train.model_card import card, write_card

# All of a model; nothing else ever leaves the run. The folders hold what makes an encoder's inputs.
FILES = ("README.md", "config.json", "model.safetensors")
FOLDERS = ("extractor", "tokenizer")
PATTERNS = [*FILES, *(f"{folder}/*" for folder in FOLDERS)]
HTTP_ERROR: type[BaseException] = HfHubHTTPError.__bases__[0]  # of whichever HTTP library the client uses
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
SENTENCES = {
    401: f"the Hub does not know you, or there is no {{repo}} that you may see: {LOG_IN}",
    403: "you have no right to write to {repo}: name a repository of your own, or use a token that may write",
    404: "the Hub has no {repo}",
    409: "{repo} is being changed by someone else: try again",
    412: "{repo} was changed meanwhile: push again",
    413: "the Hub finds the model too large",
    429: "the Hub asks you to slow down: try again in some minutes",
}


def push(folder: Path, repo: str, *, public: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Upload an evaluated run's `model` folder, its card written anew.

    Args:
        folder: of the run.
        repo: `OWNER/NAME` on the Hub; made if it is not there.
        public: let everyone see a repository that is made; without it a public one is refused.
        dry_run: upload nothing and ask the Hub nothing.

    Returns:
        repo, url (None in a dry run), private, and the files with their bytes.

    Raises:
        HubError: the Hub cannot be reached, refuses, or shows the repository to others than asked for.
        RunError: the run is not finished and evaluated.
    """
    if repo.count("/") != 1:
        raise HubError(f"{repo} is no name of a repository: it is OWNER/NAME")
    card(folder) if dry_run else write_card(folder)
    model = folder / "model"
    found = {"repo": repo, "url": None, "private": not public, "files": _sizes(model)}
    if dry_run:
        return found
    with hub_errors(repo):
        api = HfApi()
        api.create_repo(repo, private=not public, exist_ok=True)
        private = _visibility(api, repo, public)
        api.upload_folder(
            repo_id=repo,
            folder_path=model,
            allow_patterns=PATTERNS,
            commit_message=f"Upload {folder.name}",
        )
        _visibility(api, repo, public)
        return found | {"url": f"{api.endpoint}/{repo}", "private": private}


def download(repo: str) -> Path:
    """The folder of a model from the Hub, or from the cache where it lies there already.

    Raises:
        HubError: the Hub cannot be reached, or has no such model.
    """
    with hub_errors(repo):
        return Path(snapshot_download(repo, allow_patterns=PATTERNS))


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Faults of the Hub as one sentence each; none of them holds a token."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HubError("the Hub is switched off by HF_HUB_OFFLINE: unset it") from error
    except HFValidationError as error:
        raise HubError(
            f"{repo} is no name of a repository: it is OWNER/NAME, of letters, digits, . _ -"
        ) from error
    except LocalTokenNotFoundError as error:
        raise HubError(f"there is no token for the Hub: {LOG_IN}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        sentence = SENTENCES.get(status, f"the Hub answers {status} for {{repo}}: try again later")
        raise HubError(sentence.format(repo=repo)) from error
    except FileNotFoundError as error:  # what the client raises where it can reach no Hub and has no copy
        raise HubError(f"{repo} is not in the cache, and the Hub cannot be reached") from error
    except (HTTP_ERROR, ConnectionError) as error:
        raise HubError(f"the Hub cannot be reached ({type(error).__name__}): try again") from error


def _visibility(api: HfApi, repo: str, public: bool) -> bool:
    """Whether the repository is private now.

    Raises:
        HubError: everyone sees it, and that was not asked for.
    """
    private = bool(api.model_info(repo).private)
    if not private and not public:
        raise HubError(f"{repo} is public: make it private on the Hub, name another, or say --public")
    return private


def _sizes(model: Path) -> list[dict[str, Any]]:
    missing = [name for name in FILES if name != "README.md" and not (model / name).is_file()]
    if missing:
        raise RunError(f"{model} lacks {', '.join(missing)}: train the run again with --fresh")
    paths = [model / name for name in FILES] + [
        path for one in FOLDERS for path in sorted((model / one).glob("*"))
    ]
    return [
        {"path": path.relative_to(model).as_posix(), "bytes": path.stat().st_size}
        for path in paths
        if path.exists()
    ]

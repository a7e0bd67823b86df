"""A run's model on the Hugging Face Hub and back; private unless the caller says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download

from merdata import HubError
from merdata.plugin import check_repo, hub_errors
from merdata_train.errors import RunError
from merdata_train.runs.card import card, write_card

# All of a model; nothing else ever leaves the run. The folders hold what makes an encoder's inputs.
FILES = ("README.md", "config.json", "model.safetensors")
FOLDERS = ("extractor", "tokenizer")
PATTERNS = [*FILES, *(f"{folder}/*" for folder in FOLDERS)]


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
    check_repo(repo)
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

"""Uploads a run's model to the Hugging Face Hub, private by default, and downloads models."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from huggingface_hub import HfApi, snapshot_download

from merdata import HubError
from merdata.plugin import check_repo, hub_errors
from merdata_train.errors import RunError
from merdata_train.runs.card import card, write_card

# The files of a model; nothing else of a run is uploaded. The folders hold what makes an encoder's inputs.
FILES = ("README.md", "config.json", "model.safetensors")
FOLDERS = ("extractor", "tokenizer")
PATTERNS = [*FILES, *(f"{folder}/*" for folder in FOLDERS)]


class FileSize(TypedDict):
    """A file to upload: its path below the repository, and its size."""

    path: str
    bytes: int


class Upload(TypedDict):
    """The account of an upload, or of a dry run, in which `url` is None."""

    repo: str
    url: str | None
    private: bool
    files: list[FileSize]


def push(folder: Path, repo: str, *, public: bool = False, dry_run: bool = False) -> Upload:
    """Write the card of an evaluated run again, and upload its `model` folder.

    Args:
        folder: of the run.
        repo: `OWNER/NAME` on the Hub; created if it does not exist.
        public: let everyone see a repository that is created; without it a public one is refused.
        dry_run: upload nothing and do not call the Hub.

    Raises:
        HubError: the Hub cannot be reached, refuses, or the repository is public against the request.
        RunError: the run is not finished and evaluated.
    """
    check_repo(repo)
    card(folder) if dry_run else write_card(folder)
    model = folder / "model"
    files = _sizes(model)
    if dry_run:
        return Upload(repo=repo, url=None, private=not public, files=files)
    with hub_errors(repo):
        api = HfApi()
        api.create_repo(repo, private=not public, exist_ok=True)
        private = _is_private(api, repo, public)
        api.upload_folder(
            repo_id=repo,
            folder_path=model,
            allow_patterns=PATTERNS,
            commit_message=f"Upload {folder.name}",
        )
        _is_private(api, repo, public)
        return Upload(repo=repo, url=f"{api.endpoint}/{repo}", private=private, files=files)


def download(repo: str) -> Path:
    """The folder of a model from the Hub, or from the cache where it is there.

    Raises:
        HubError: the Hub cannot be reached, or does not have the model.
    """
    with hub_errors(repo):
        return Path(snapshot_download(repo, allow_patterns=PATTERNS))


def _is_private(api: HfApi, repo: str, public: bool) -> bool:
    """Whether the repository is private now.

    Raises:
        HubError: everyone can see it, and that was not asked for.
    """
    private = bool(api.model_info(repo).private)
    if not private and not public:
        raise HubError(f"{repo} is public: make it private on the Hub, name another, or pass --public")
    return private


def _sizes(model: Path) -> list[FileSize]:
    missing = [name for name in FILES if name != "README.md" and not (model / name).is_file()]
    if missing:
        raise RunError(f"{model} does not have {', '.join(missing)}: train the run again with --fresh")
    paths = [model / name for name in FILES] + [
        path for name in FOLDERS for path in sorted((model / name).glob("*"))
    ]
    return [
        {"path": path.relative_to(model).as_posix(), "bytes": path.stat().st_size}
        for path in paths
        if path.exists()
    ]

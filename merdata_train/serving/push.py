"""Uploads a run's model to the Hugging Face Hub, private by default, and downloads models."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download

from merdata import HubError
from merdata.plugin import check_repo, hub_errors, printable
from merdata_train.errors import RunError
from merdata_train.runs.card import card, write_card

# The files of a model; nothing else of a run is uploaded or downloaded. The folders hold what makes the
# inputs of an encoder, under the names that transformers saves.
FILES = ("config.json", "model.safetensors")
CARD = "README.md"
BESIDE = {
    "extractor": ("preprocessor_config.json",),
    "tokenizer": (
        "added_tokens.json",
        "merges.txt",
        "sentencepiece.bpe.model",
        "special_tokens_map.json",
        "spiece.model",
        "spm.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
        "vocab.txt",
    ),
}
NAMES = (CARD, *FILES, *(f"{folder}/{name}" for folder, names in BESIDE.items() for name in names))


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
    card(folder)
    _files(folder / "model")  # before anything is written through a link
    if not dry_run:
        write_card(folder)
    files = _files(folder / "model")
    sizes: list[FileSize] = [{"path": name, "bytes": path.stat().st_size} for name, path in files.items()]
    if dry_run:
        return Upload(repo=repo, url=None, private=not public, files=sizes)
    with hub_errors(repo):
        api = HfApi()
        api.create_repo(repo, private=not public, exist_ok=True)
        private = _is_private(api, repo, public)
        additions = [CommitOperationAdd(name, path) for name, path in files.items()]
        api.create_commit(repo, additions, commit_message=f"Upload {printable(folder.name)}")
        _is_private(api, repo, public)
        return Upload(repo=repo, url=f"{api.endpoint}/{repo}", private=private, files=sizes)


def download(repo: str) -> Path:
    """The folder of a model from the Hub, or from the cache where it is there.

    Raises:
        HubError: the Hub cannot be reached, or does not have the model.
    """
    with hub_errors(repo):
        return Path(snapshot_download(repo, allow_patterns=list(NAMES)))


def _is_private(api: HfApi, repo: str, public: bool) -> bool:
    """Whether the repository is private now.

    Raises:
        HubError: everyone can see it, and that was not asked for.
    """
    private = bool(api.model_info(repo).private)
    if not private and not public:
        raise HubError(f"{repo} is public: make it private on the Hub, name another, or pass --public")
    return private


def _files(model: Path) -> dict[str, Path]:
    """Name in the repository -> path of every file of a model that is there.

    Raises:
        RunError: a file is missing, is a link, or is not a regular file.
    """
    paths = {name: model / name for name in NAMES if (model / name).exists() or (model / name).is_symlink()}
    missing = [name for name in FILES if name not in paths]
    if missing:
        raise RunError(f"{model} does not have {', '.join(missing)}: train the run again with --fresh")
    for path in paths.values():
        link = next((step for step in (path, path.parent, model) if step.is_symlink()), None)
        if link is not None:
            raise RunError(f"{link} is a link, and links are not uploaded: put the file itself there")
        if not path.is_file():
            raise RunError(f"{path} is not a regular file: remove it")
    return paths

"""The faults of public copies, put into a miniature: each function changes a corpus folder in one way."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

C1 = re.compile("[\x80-\x9f]")
AUDIO = {".wav", ".mp4", ".m4a", ".avi", ".flac", ".mp3", ".webm"}
TEXT = {".csv", ".txt", ".data", ".tsv", ".json", ".textgrid", ".yaml"}
NOT_OF_THE_CORPUS = {"SAMPLE.txt", "ReadMe.txt"}


def files(root: Path, endings: set[str]) -> list[Path]:
    """Visible files of these endings, sorted; video folders and what is not read are left out."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in endings
        and path.is_file()
        and not path.name.startswith(".")
        and path.name not in NOT_OF_THE_CORPUS
        and not {"video", "Categorical"} & set(path.parts)
    )


def endings_in_capitals(root: Path) -> None:
    """`x.WAV`, `x.M4A`, as some cameras and copies write them."""
    for path in files(root, AUDIO):
        path.rename(path.with_suffix(path.suffix.upper()))


def as_flac(root: Path) -> None:
    """Converted copies, known by their content; the names are all that a reader sees."""
    for path in files(root, AUDIO):
        path.rename(path.with_suffix(".flac"))


def without_endings(root: Path) -> None:
    """A downloader that lost the endings: what begins like audio is audio."""
    for path in files(root, AUDIO):
        path.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
        path.rename(path.with_suffix(""))


def one_folder_deeper(root: Path) -> None:
    """An archive that unpacks into a folder of its own."""
    inner = root / "unpacked here"
    inner.mkdir()
    for path in list(root.iterdir()):
        if path != inner:
            path.rename(inner / path.name)


def hidden_twins(root: Path) -> None:
    """`._x` beside each file, and `__MACOSX`."""
    for path in files(root, AUDIO):
        path.with_name(f"._{path.name}").write_bytes(b"\0\x05\x16\x07")
    shutil.copytree(root, root / "__MACOSX" / root.name, ignore=shutil.ignore_patterns("__MACOSX"))


def browser_copies(root: Path) -> None:
    """`x (1).wav` and `Copy of x.wav` beside two of the files."""
    first, second = files(root, AUDIO)[:2]
    shutil.copy(first, first.with_name(f"{first.stem} (1){first.suffix}"))
    shutil.copy(second, second.with_name(f"Copy of {second.name}"))


def links_inside(root: Path) -> None:
    """Every file is a link into one folder of blobs within the corpus, as in a cache."""
    blobs = root / ".blobs"
    blobs.mkdir()
    for number, path in enumerate(files(root, AUDIO | TEXT)):
        path.rename(blobs / str(number))
        path.symlink_to(blobs / str(number))


def a_loop(root: Path) -> None:
    """A link to the folder around it."""
    (files(root, AUDIO)[0].parent / "again").symlink_to(root)


def links_outside(root: Path) -> None:
    """The Hub's cache: every clip is a link that leads out of the folder."""
    blobs = root.parent / "blobs"
    blobs.mkdir()
    for number, path in enumerate(files(root, AUDIO)):
        path.rename(blobs / str(number))
        path.symlink_to(blobs / str(number))


def two_bytes_for_a_name(root: Path) -> None:
    """A filtered copy of one clip in a folder that sorts first, below the same folders."""
    path = files(root, AUDIO)[0]
    copy = root / "00 denoised" / path.relative_to(root)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes() + b"\0")


def the_same_twice(root: Path) -> None:
    """A whole copy beside the original."""
    shutil.copytree(root, root.parent / "copy")
    (root.parent / "copy").rename(root / "copy")


def cut_short(root: Path) -> None:
    """Every recording ends after two thirds of its bytes, as after a download that broke off."""
    for path in files(root, AUDIO):
        path.write_bytes(path.read_bytes()[: 2 * path.stat().st_size // 3])


def archives(root: Path) -> None:
    """An archive that nobody unpacked."""
    (root / "rest.tar.gz").write_bytes(b"\x1f\x8b")


def re_encoded(encoding: str) -> Callable[[Path], None]:
    """Text files saved again in another encoding."""

    def change(root: Path) -> None:
        for path in files(root, TEXT):
            data = path.read_bytes()
            for known in ("utf-8", "gb18030", "utf-16"):
                try:
                    text = data.decode(known)
                    break
                except UnicodeDecodeError:
                    continue
            if not C1.search(text):  # what two faults make of one text is not asked here
                path.write_bytes(text.encode(encoding))

    change.__name__ = f"text_in_{encoding.replace('-', '_')}"
    return change


def no_metadata(root: Path) -> None:
    """Without the csv files, prompts and transcripts that a reader looks for."""
    for path in files(root, TEXT):
        path.unlink()


SAME_ROWS = (
    endings_in_capitals,
    as_flac,
    without_endings,
    one_folder_deeper,
    hidden_twins,
    browser_copies,
    links_inside,
    a_loop,
    the_same_twice,
    archives,
    re_encoded("utf-8-sig"),
    re_encoded("utf-16"),
    re_encoded("utf-16-be"),
    re_encoded("utf-32"),
    re_encoded("gb18030"),
)

"""Where an output goes: through links, pipes and devices, and never over the store itself."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import merdata
from merdata.io.files import write_folder_atomically, write_text


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "new"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(merdata.StoreError, match="Too many levels of symbolic links"):
        write_text(tmp_path / "link", "new")
    assert os.readlink(tmp_path / "link") == "link"  # noqa: PTH115


def test_a_link_to_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with write_folder_atomically(tmp_path / "link") as folder:
        (folder / "file").write_text("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "x"


def test_a_device_stays_a_device() -> None:
    write_text(Path("/dev/null"), "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert not list(Path("/dev").glob(".null*"))


def test_a_pipe_gets_the_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write_text(tmp_path / "pipe", "text")
        assert reader.communicate()[0] == b"text"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_standard_output_is_written_to_in_turn(name: str, kind: str, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from merdata.io.files import write_text\n"
        "print('before'); write_text(Path(sys.argv[1]), 'text\\n'); print('after')"
    )
    command = [sys.executable, "-c", code, name]
    if kind == "pipe":
        said = subprocess.run(command, capture_output=True, text=True).stdout
    else:
        with (tmp_path / "file").open("w") as file:
            subprocess.run(command, stdout=file)
        said = (tmp_path / "file").read_text()
    assert said == "before\ntext\nafter\n"


@pytest.mark.parametrize("inside", ["merdata.json", "README.md", "data/tess/x.csv", ".build/x", "splits", ""])
def test_an_output_is_no_file_of_the_store(inside: str, store: merdata.Store, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(store.path)
    before = (store.path / "merdata.json").read_bytes()
    for out in (store.path / inside, link / inside):
        for write in (merdata.export_csv, merdata.export_wav, merdata.export_croissant, merdata.write_report):
            with pytest.raises(merdata.StoreError, match="belongs to the store"):
                write(store, out)
    assert (store.path / "merdata.json").read_bytes() == before

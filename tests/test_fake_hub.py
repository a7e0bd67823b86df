"""The Hub of our tests carries a data set there and back, for the library that talks to the real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fake_hub import FakeHub

SCRIPT = """
import sys
from huggingface_hub import HfApi, snapshot_download
api, folder, copy = HfApi(), sys.argv[1], sys.argv[2]
api.create_repo("tester/data", repo_type="dataset", private=True)
api.upload_folder(repo_id="tester/data", repo_type="dataset", folder_path=folder)
api.delete_file("extra.txt", "tester/data", repo_type="dataset")
print(*sorted(api.list_repo_files("tester/data", repo_type="dataset")))
snapshot_download("tester/data", repo_type="dataset", local_dir=copy)
from datasets import load_dataset
print(load_dataset("tester/data", split="train")["x"][:])
"""


def test_a_data_set_goes_there_and_back(tmp_path: Path) -> None:
    folder, copy = tmp_path / "store", tmp_path / "copy"
    (folder / "data" / "c").mkdir(parents=True)
    pq.write_table(pa.table({"x": [1, 2, 3]}), folder / "data" / "c" / "s.parquet")
    (folder / "README.md").write_text("---\nlicense: other\n---\n\n# Data\n")
    (folder / "extra.txt").write_text("gone soon")
    with FakeHub() as hub:
        words = [sys.executable, "-c", SCRIPT, folder, copy]
        done = subprocess.run(words, capture_output=True, text=True, env=hub.environment(tmp_path / "hf"))
        assert done.returncode == 0, done.stderr
        repo = hub.repos["dataset", "tester/data"]
    names = ["README.md", "data/c/s.parquet"]
    assert done.stdout.splitlines() == [" ".join(names), "[1, 2, 3]"]
    assert repo.private
    for name in names:
        assert repo.files[name] == (folder / name).read_bytes() == (copy / name).read_bytes()

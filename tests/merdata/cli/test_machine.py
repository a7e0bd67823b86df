"""What a terminal, a disk or a folder refuses is a sentence, or no matter at all; never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import merdata

MERDATA = f"{sys.executable} -m merdata"
ASCII = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
CASES = [  # shell, exit code, what stderr says
    (f"PYTHONIOENCODING=ascii {MERDATA} corpora show esd", 0, ""),
    (f"PYTHONIOENCODING=latin-1 {MERDATA} audit store --no-near-audio", 0, ""),
    (f"{ASCII} {MERDATA} audit store --no-near-audio", 0, ""),
    (f"{ASCII} {MERDATA} corpora show esd --json", 0, ""),
    (f"{MERDATA} corpora >&-", 0, ""),
    (f"set -o pipefail; {MERDATA} corpora show meld | head -1", 141, ""),
    (f"{MERDATA} corpora > /dev/full", 2, "merdata: cannot write: No space left on device"),
    (f"{MERDATA} stats store --json > /dev/full", 2, "merdata: cannot write: No space left on device"),
    (f"{MERDATA} split store --name {300 * 'x'}", 2, "merdata: "),
    (f"{MERDATA} split store --corpus {300 * 'x'}", 2, "merdata: store holds no "),
    (f"{MERDATA} export csv store --out /proc/none/x.csv", 2, "merdata: cannot write /proc/none/x.csv: "),
    (f"{MERDATA} export wav store --out /proc/none", 2, "merdata: cannot write /proc/none: "),
    (f"{MERDATA} sample /proc/none", 2, "merdata: cannot write /proc/none"),
    (f"mkdir x && cd x && rmdir ../x && {MERDATA} build --corpus tess --source ..", 2, "merdata: "),
    (f"env -u HOME {MERDATA} stats store", 0, ""),
]


@pytest.mark.parametrize(("shell", "code", "says"), CASES, ids=lambda part: str(part)[-60:])
def test_the_machine_is_told_of_in_a_sentence(
    shell: str, code: int, says: str, store: merdata.Store, tmp_path: Path
) -> None:
    shutil.copytree(store.path, tmp_path / "store", copy_function=os.link)
    environment = os.environ | {"PYTHONPATH": str(Path(merdata.__file__).parents[1]), "NO_COLOR": "1"}
    done = subprocess.run(["bash", "-c", shell], capture_output=True, cwd=tmp_path, env=environment)
    errors = done.stderr.decode("ascii")
    assert done.returncode == code, errors
    assert errors.startswith(says)
    assert errors.count("\n") == bool(says)


def test_a_helpful_machine_keeps_every_character() -> None:
    done = subprocess.run([*MERDATA.split(), "corpora", "show", "esd"], capture_output=True)
    assert merdata.get_corpus("esd").card.strip() in done.stdout.decode("utf-8")

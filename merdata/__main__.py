"""Where the program starts: `merdata`, or `python -m merdata`. Every worker imports it, so it is small."""

from __future__ import annotations

import gc
import os
import sys

LEAN = {  # what the processes of a build do without: threads that multiply matrices, memory kept for later
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def main() -> None:
    """Run the command line."""
    from merdata.cli.ending import ending

    with ending("merdata"):
        if sys.argv[1:2] == ["build"]:
            _prepare_build(dry="--dry-run" in sys.argv or not {"-h", "--help"}.isdisjoint(sys.argv))
        from merdata.cli.app import main as run

        run()


def _prepare_build(*, dry: bool) -> None:
    gc.disable()  # a plan is many objects and no cycle: looking for one takes a third of its time
    if dry:
        return
    for name, value in LEAN.items():
        os.environ.setdefault(name, value)
    from merdata.engine.process import get_ready

    get_ready()


if __name__ == "__main__":
    main()

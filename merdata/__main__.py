"""Where the program starts: `merdata`, or `python -m merdata`. Every worker imports it, so it is small."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["build"]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no process of a build multiplies matrices
        from merdata.engine import get_ready

        get_ready()
    from merdata.cli import main

    main()


if __name__ == "__main__":
    main()

"""Where the program starts: `merdata`, or `python -m merdata`. Every worker imports it, so it is small."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["build"]:
        from merdata.engine import get_ready

        get_ready()
    from merdata.cli import main

    main()


if __name__ == "__main__":
    main()

"""Where the program starts: `merdata_train`, or `accelerate launch --module merdata_train`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    from merdata.plugin import ending

    with ending("merdata_train"):
        if sys.argv[1:2] in (["run"], ["suite"]):
            _prepare_training()
        from merdata_train.cli.app import main as run

        run()


def _prepare_training() -> None:
    """Keep the folder that torch makes for compiled code, as soon as an optimiser is made, out of TMPDIR."""
    from merdata.plugin import process_folder

    if "ACCELERATE_DYNAMO_BACKEND" not in os.environ:  # nothing is compiled
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(process_folder() / "compiled"))


if __name__ == "__main__":
    main()

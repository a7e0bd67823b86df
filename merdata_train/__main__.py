"""Where the program starts: `merdata_train`, or `accelerate launch --module merdata_train`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from merdata.plugin import ending

    with ending("merdata_train"):
        from merdata_train.cli.app import main as run

        run()


if __name__ == "__main__":
    main()

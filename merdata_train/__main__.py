"""`python -m merdata_train`, and what `accelerate launch --module merdata_train` starts in every process."""

from merdata_train.cli.app import main

if __name__ == "__main__":
    main()

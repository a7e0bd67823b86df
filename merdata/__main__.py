"""`python -m merdata`."""

from merdata.cli import main

if __name__ == "__main__":
    main()

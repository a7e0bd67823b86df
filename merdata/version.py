"""The version of both packages, read from below: importing it imports nothing else."""

__version__ = "0.1.0"

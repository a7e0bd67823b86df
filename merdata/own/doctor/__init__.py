"""The corpus doctor: looks at an unknown folder and proposes how to read it, with its doubts."""

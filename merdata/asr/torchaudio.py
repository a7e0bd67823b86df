"""The one place that imports torchaudio.

Its wheels are built against CUDA: beside a CPU build of torch every release fails while it loads its native
extension, although the transforms that we use are pure Python. Only after the plain import has failed is
the extension replaced by an empty one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

EXTENSION = "torchaudio._extension"


def import_torchaudio() -> ModuleType:
    """torchaudio, with its native extension where it loads and without it where it does not."""
    try:
        return import_module("torchaudio")
    except (ImportError, OSError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[EXTENSION] = _empty_extension()
        return import_module("torchaudio")


def _empty_extension() -> ModuleType:
    stub = ModuleType(EXTENSION)
    vars(stub).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=lambda function: function,
        _check_cuda_version=lambda: None,
    )
    return stub

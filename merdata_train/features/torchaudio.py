"""torchaudio, as merdata imports it."""

from __future__ import annotations

from merdata.plugin import import_torchaudio as import_torchaudio

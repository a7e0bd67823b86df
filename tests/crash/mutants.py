"""Seeded mutants of audio files through the decoders: `python -m tests.crash.mutants [TIMES]`.

Each must be read, or refused with a reason, in under ten seconds and a gigabyte.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from merdata.audio.clip import AudioError, normalise
from tests.merdata.audio.test_clip import encode, encode_aac, tone

MOST_SECONDS = 10
MOST_BYTES = 1 << 30
SOUND = tone(seconds=0.1)
ORIGINALS = [
    encode(SOUND),
    encode(SOUND, subtype="DOUBLE"),
    encode(SOUND, subtype="ULAW"),
    encode(SOUND, kind="RF64"),
    encode(SOUND, kind="AIFF"),
    encode(SOUND, kind="CAF"),
    encode(SOUND, kind="FLAC"),
    encode(SOUND, kind="OGG", subtype="VORBIS"),
    encode(SOUND, kind="OGG", subtype="OPUS"),
    encode(SOUND, kind="MP3", subtype=None),
    encode_aac(np.stack([SOUND] * 2), "stereo"),
    *(encode_aac(np.stack([SOUND] * 2), "stereo", kind=kind) for kind in ("matroska", "adts", "avi", "flv")),
    encode(SOUND, kind="W64"),
    encode(SOUND, kind="AU"),
]


def mutant(chance: random.Random) -> bytes:
    """A file with some bytes altered (mostly in the header), perhaps a piece cut out, repeated or lost."""
    data = bytearray(chance.choice(ORIGINALS))
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(chance.choice((64, len(data))))] = chance.choice(
            (0, 0x7F, 0xFF, chance.randrange(256))
        )
    begin, end = sorted(chance.randrange(len(data)) for _ in range(2))
    piece = bytes(data[begin:end])
    match chance.randrange(6):
        case 0:
            del data[begin:end]
        case 1:
            data[begin:begin] = piece
        case 2:
            del data[begin:]
    return bytes(data)


def uncaught(times: int, seed: int, folder: Path) -> list[str]:
    """Unnamed failures and slow files, by the number of the mutant."""
    path, wrong = folder / "mutant.wav", []
    for number in range(times):
        data = mutant(random.Random(f"{seed} {number}"))
        path.write_bytes(data)
        begun = time.monotonic()
        try:
            clip = normalise(data, str(path))
            if clip.samples.dtype != np.int16 or not len(clip.samples):
                wrong.append(f"{number}: no samples")
        except AudioError as error:
            if not (error.reason and str(error)):
                wrong.append(f"{number}: refused without a name")
        except Exception as error:
            wrong.append(f"{number}: {error!r}")
        if time.monotonic() - begun > MOST_SECONDS:
            wrong.append(f"{number}: took over {MOST_SECONDS} seconds")
    return wrong


def main(times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        wrong = uncaught(times, 1, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    wrong += [f"{peak / 1e6:.0f} MB of memory"] * (peak > MOST_BYTES)
    print(f"| mutants | {len(wrong)} failures of {times}, {peak / 1e6:.0f} MB |", *wrong, sep="\n")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))

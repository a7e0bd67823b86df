"""Files in the place of audio that are something else: each is named, with what to do."""

from __future__ import annotations

from merdata.errors import AudioError

AGAIN = "download it again"
MAGIC = {
    b"PK\x03\x04": "a zip archive: unpack it",
    b"\x1f\x8b": "a gzip file: unpack it",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!": "a rar archive: unpack it",
    b"%PDF": f"a PDF document, not audio: {AGAIN}",
    b"\x89PNG": f"a picture, not audio: {AGAIN}",
    b"\xff\xd8\xff": f"a picture, not audio: {AGAIN}",
    b"MThd": "MIDI, which has notes and no sound: record it first",
}
RIFF_FORMS = {
    b"RMID": "MIDI, which has notes and no sound",
    b"ACON": "an animated cursor",
    b"WEBP": "a picture",
}
PAGES = (b"<!doctype", b"<html", b"<?xml")
LFS = b"version https://git-lfs"


def refuse_impostor(data: bytes) -> None:
    """Refuse a file that is known not to be audio.

    Raises:
        AudioError: it is a git-lfs pointer, a web page, text, an archive, a picture or MIDI.
    """
    head = data[:4_096]
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begin.startswith(LFS):
        raise AudioError("lfs-pointer", "a git-lfs pointer, not the audio: run `git lfs pull`")
    if begin.startswith(PAGES):
        raise AudioError("not-audio", f"a web page, not audio: {AGAIN}")
    for magic, what in MAGIC.items():
        if head.startswith(magic):
            raise AudioError("not-audio", what)
    if head[:4] in (b"RIFF", b"RIFX") and len(head) >= 12:
        form = head[8:12]
        known = RIFF_FORMS.get(form, "neither WAVE nor AVI")
        raise AudioError(
            "not-audio", f"a RIFF file of the form {_printable(form)}, which is {known}: {AGAIN}"
        )
    if _is_text(head):
        raise AudioError("not-audio", f"text, not audio: {AGAIN}")


def _printable(form: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in form)


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters; the last character may be cut."""
    try:
        text = head.decode("utf-8", "strict" if len(head) < 4_096 else "ignore")
    except UnicodeDecodeError:
        return False
    return len(text.encode("utf-8")) > len(head) - 4 and all(
        char >= " " or char in "\t\r\n\f" for char in text
    )

"""What `merdata push` prints on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.hub.upload import Upload


def pushed(found: Upload) -> None:
    """What went to the Hub, or would go there, and what the licences say."""
    screen = console()
    if not found["url"]:
        files = table("file", "#bytes")
        for file in found["files"]:
            files.add_row(file["path"], f"{file['bytes']:,}")
        screen.print(files)
    for name, permission in found["permissions"].items():
        screen.print(f"{name}: {permission}", markup=False)
    size = sum(file["bytes"] for file in found["files"])
    who = "private" if found["private"] else "public"
    what = "labels only" if found["labels_only"] else "with audio"
    done = f"uploaded to {found['url']}" if found["url"] else f"would be uploaded to {found['repo']}"
    told = f"{len(found['files'])} files, {size:,} bytes, {done} ({who}, {what}; before: {found['target']})"
    screen.print(told, markup=False, soft_wrap=True)
    if found["refusal"]:
        screen.print(f"refused: {found['refusal']}", markup=False, soft_wrap=True)

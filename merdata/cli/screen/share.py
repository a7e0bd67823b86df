"""What `merdata push` prints on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.hub.upload import Upload


def pushed(outcome: Upload) -> None:
    """What went to the Hub, or would go there, and what the licences say."""
    screen = console()
    if not outcome["url"]:
        files = table("file", "#bytes")
        for file in outcome["files"]:
            files.add_row(file["path"], f"{file['bytes']:,}")
        screen.print(files)
    for name, permission in outcome["permissions"].items():
        screen.print(f"{name}: {permission}", markup=False)
    size = sum(file["bytes"] for file in outcome["files"])
    who = "private" if outcome["private"] else "public"
    what = "labels only" if outcome["labels_only"] else "with audio"
    done = f"uploaded to {outcome['url']}" if outcome["url"] else f"would be uploaded to {outcome['repo']}"
    summary = (
        f"{len(outcome['files'])} files, {size:,} bytes, {done} ({who}, {what}; before: {outcome['target']})"
    )
    screen.print(summary, markup=False, soft_wrap=True)
    if outcome["refusal"]:
        screen.print(f"refused: {outcome['refusal']}", markup=False, soft_wrap=True)

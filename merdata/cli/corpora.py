"""`merdata corpora` and `merdata sample`: what can be read, and miniatures to try it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json
from merdata.cli.options import AsJson, Corpora
from merdata.io.places import on_this_machine, place

corpora = typer.Typer()


@corpora.callback(invoke_without_command=True)
def list_corpora(context: typer.Context, as_json: AsJson = False) -> None:
    """List the corpora that merdata can read, or show one."""
    if context.invoked_subcommand:
        return
    from merdata.cli.screen import corpora as screen
    from merdata.corpora.registry import present, registry

    here = present(Path("corpora"))
    facts: list[screen.ListedCorpus] = [
        {**corpus.facts(), "here": name in here} for name, corpus in registry().items()
    ]
    print_json(facts) if as_json else screen.corpora(facts)


@corpora.command("show")
def show_corpus(
    name: Annotated[str, typer.Argument(help="Name of a corpus.", metavar="NAME")], as_json: AsJson = False
) -> None:
    """Print the page of a corpus.

    Its licence, where to get it, the expected layout, labels, known defects and options.
    """
    from merdata.cli.screen import corpora as screen
    from merdata.corpora.registry import get_corpus

    corpus = get_corpus(name)
    print_json(corpus.facts() | {"card": corpus.card}) if as_json else screen.corpus(corpus)


@corpora.command("new")
def new_corpus(
    folder: Annotated[Path, typer.Argument(help="Folder of an unknown corpus.", parser=place, metavar="DIR")],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write the YAML to (default: show it).", parser=place, metavar="FILE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose a YAML file that says how to read an unknown folder.

    The file has its reasons and doubts as comments: look at each line with a `?`. What cannot be known is
    asked there, not decided. `merdata build --corpus FILE --source DIR` then builds it.
    """
    from merdata.errors import OptionError
    from merdata.io.files import write_text
    from merdata.own.doctor.proposal import propose, summary

    if out and out.exists():
        raise OptionError(f"{out} exists: name another file, or delete it first")
    proposal = propose(folder)
    if out:
        write_text(out, proposal.text)
    if as_json:
        print_json({"yaml": proposal.text, **proposal.outcome, "doubts": proposal.doubts})
        return
    typer.echo("\n".join(summary(proposal)))
    then = f"read it, then build with --corpus {out} --source {folder}"
    typer.echo(f"written to {out}: {then}" if out else f"\n{proposal.text}")


def sample(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder to write to: each corpus gets a folder in it.",
            parser=on_this_machine,
            metavar="FOLDER",
        ),
    ] = Path("corpora"),
    corpus: Corpora = None,
    seed: Annotated[int, typer.Option(help="Seed of what is left to chance.", metavar="N")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write miniature corpora of synthetic speech, to try merdata on.

    They have the layouts of the real corpora, and some of their defects.
    """
    from merdata.corpora.miniature import miniatures, write_corpus

    written = []
    for name in corpus or miniatures():
        files = write_corpus(name, folder / name, seed)
        written.append({"corpus": name, "folder": str(folder / name), "files": files})
        if not as_json:
            typer.echo(f"{folder / name}: {files} files")
    if as_json:
        print_json(written)

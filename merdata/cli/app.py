"""The command line: parse, call, print. Whatever takes time to import is imported inside its command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from merdata.cli.command import run_app, with_default
from merdata.cli.export import exports
from merdata.io.places import on_this_machine, place
from merdata.version import __version__

SPLIT_HELP = """Split a store: `merdata split [STORE] [--protocol KIND]`; import and export exchange splits.

Kinds: mer (the default: acted corpora by speaker, MELD as published), official, speaker, kfold (--by,
--folds), loso, loco, text, speaker+text, random, fewshot. `merdata split make --help` has every option.
"""

STORE_HELP = "Folder of the store, or a URL such as s3://bucket/store."

app = typer.Typer(
    name="merdata",
    help="Speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

shelf = typer.Typer(help="The corpora that merdata can read.")
app.add_typer(shelf, name="corpora")

splits = typer.Typer(cls=with_default("make"), help=SPLIT_HELP)
app.add_typer(splits, name="split")
app.add_typer(exports, name="export")

StoreArgument = Annotated[Path, typer.Argument(help=STORE_HELP, parser=place, metavar="[STORE]")]
StoreOption = Annotated[Path, typer.Option(help=STORE_HELP, parser=place, metavar="STORE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
ProtocolOption = Annotated[
    str | None, typer.Option("--protocol", help="Whose splits to show (default: mer, where it is there).")
]
FoldOption = Annotated[str, typer.Option("--fold", help="Fold of the protocol, by number or name.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=0, help="Processes (default: one a core; 0: this one).")
]


def main() -> None:
    """Run the command line."""
    run_app(app, "merdata")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"merdata {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.

    A command that fails on its input says why in a sentence and exits with 2; --debug shows the traceback.
    """


@shelf.callback(invoke_without_command=True)
def corpora(context: typer.Context, as_json: AsJson = False) -> None:
    """List the corpora that merdata can read; `show NAME` prints a corpus's page."""
    if context.invoked_subcommand:
        return
    from merdata.cli import show
    from merdata.corpora.registry import registry

    here = Path("corpora")
    facts = [one.facts() | {"here": (here / name).is_dir()} for name, one in registry().items()]
    _print_json(facts) if as_json else show.corpora(facts)


@shelf.command("show")
def show_corpus(
    name: Annotated[str, typer.Argument(help="Name of a corpus.")], as_json: AsJson = False
) -> None:
    """Print a corpus's page: licence, how to get it, the layout expected, labels, defects, options."""
    from merdata.cli import show
    from merdata.corpora.registry import get_corpus

    corpus = get_corpus(name)
    _print_json(corpus.facts() | {"card": corpus.card}) if as_json else show.corpus(corpus)


@app.command()
def build(
    corpus: Annotated[
        list[str], typer.Option(help="Name of a corpus; repeat it, or say all for every folder there is.")
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            help="The corpus's folder (default corpora/NAME). With several corpora or all: "
            "the folder that holds one folder a corpus (default corpora). A URL such as s3://bucket/corpora "
            "will do.",
            parser=place,
            metavar="FOLDER",
        ),
    ] = None,
    store: StoreOption = Path("store"),
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Change a label's target: RAW=CLASS, RAW=drop or RAW=keep (unlabelled), as in "
            "contempt=disgust or meld.fear=drop; repeat it for more."
        ),
    ] = None,
    policy_file: Annotated[
        Path | None,
        typer.Option(help="YAML with such changes (contempt: disgust, or mead: {contempt: disgust})."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="An option of a corpus, as in meld.cut=plain (`merdata corpora show NAME` names them)."
        ),
    ] = None,
    on_bad_audio: Annotated[
        str,
        typer.Option(
            help="drop rows whose audio is missing or unusable, or keep them with half a second of silence."
        ),
    ] = "drop",
    prompts: Annotated[
        Path | None, typer.Option(help="EmoV-DB's sentences, cmuarctic.data, if not in its folder.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 if a corpus has not the rows that it should have.")
    ] = False,
    jobs: Jobs = None,
    engine: Annotated[
        str, typer.Option(help="Where shards are built: processes of this machine, or dask.")
    ] = "processes",
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address or file of a Dask scheduler (without one, dask starts workers here)."),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait for another merdata that writes the store; else leave."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read names and metadata only, say what would be built.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build corpora into a store: 16 kHz WAV, text and label in Parquet, and a ledger of every row."""
    from merdata.engine.without_pandas import spare_pandas

    spare_pandas()
    from merdata.builder.build import build as make
    from merdata.builder.plan import choose, foresee, make_plan
    from merdata.cli import show
    from merdata.labels import read_policy

    choices: dict[str, Any] = {
        "policy": [*(read_policy(policy_file) if policy_file else []), *(policy or [])],
        "options": [*(option or []), *([f"emovdb.prompts={prompts}"] if prompts else [])],
        "on_bad_audio": on_bad_audio,
    }
    if dry_run:
        foreseen = foresee(make_plan(choose(corpus, source, **choices), store))
        _print_json(foreseen) if as_json else show.foreseen(foreseen)
        counts = [(one["discovered"], one["expected"]) for one in foreseen["corpora"]]
    else:
        where: dict[str, Any] = {"engine": engine, "scheduler": scheduler}
        report = make(corpus, source, store, **choices, jobs=jobs, **where, wait=wait, progress=True)
        _print_json(report.as_json()) if as_json else show.built(report, store)
        counts = [(one.discovered, one.expected) for one in report.counts]
    if strict and any(discovered != expected for discovered, expected in counts):
        raise typer.Exit(3)


@splits.command("make")
def split(
    store: StoreArgument = Path("store"),
    protocol: Annotated[str, typer.Option(help="Kind of protocol: see `merdata split --help`.")] = "mer",
    name: Annotated[
        str | None,
        typer.Option(help="Name of the protocol (default: the kind, after the corpus if one is chosen)."),
    ] = None,
    corpora: Annotated[
        list[str] | None, typer.Option(help="Only this corpus; may repeat. Others are in no split.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the assignment.")] = 0,
    ratios: Annotated[
        str | None, typer.Option(help="Percent of train/validation/test, as in 80/10/10.")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="How many folds (kfold).")] = None,
    by: Annotated[
        str | None, typer.Option(help="What a fold keeps whole: speaker, session or text (kfold).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Split a store: acted corpora by speaker, MELD as published. load_dataset then follows it."""
    from merdata.cli import show
    from merdata.splits.draft import parse_ratios
    from merdata.splits.make import split as make
    from merdata.store.store import open_store

    opened = open_store(store)
    shares = parse_ratios(ratios) if ratios else None
    made = make(opened, protocol, seed, name=name, corpora=corpora, ratios=shares, folds=folds, by=by)
    account = show.account_of_split(opened, made)
    _print_json(account) if as_json else show.split(account, store)


@splits.command("import")
def import_split(
    source: Annotated[
        str, typer.Argument(help="Whose split: emobox, emobox-track2, s3prl, nkululeko or tfds.")
    ],
    corpus: Annotated[str, typer.Option(help="Name of the corpus.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder of their files: a checkout of EmoBox, or s3prl's meta_data.")
    ] = None,
    store: StoreOption = Path("store"),
    name: Annotated[str | None, typer.Option(help="Name of the protocol (default CORPUS_SOURCE).")] = None,
    as_json: AsJson = False,
) -> None:
    """Take over somebody else's split of a corpus, row by row; --json lists the keys without a row."""
    from merdata.cli import show
    from merdata.splits.exchange.exchange import import_split as take_over
    from merdata.store.store import open_store

    opened = open_store(store)
    made, unmatched = take_over(opened, source, corpus, root, name=name)
    account = show.account_of_split(opened, made) | {"unmatched": unmatched}
    _print_json(account) if as_json else show.split(account, store)


@splits.command("export")
def export_split(
    target: Annotated[str, typer.Argument(help="In whose layout: emobox.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.", parser=on_this_machine, metavar="FOLDER")],
    store: StoreOption = Path("store"),
    protocol: Annotated[str, typer.Option(help="Which protocol to write.")] = "mer",
) -> None:
    """Write a protocol in somebody else's layout, so that their tools can use it."""
    from merdata.splits.exchange.exchange import export_split as write
    from merdata.store.store import open_store

    for path in write(open_store(store), target, protocol, out):
        typer.echo(path)


@app.command()
def audit(
    store: StoreArgument = Path("store"),
    protocol: Annotated[str, typer.Option(help="Which protocol to check.")] = "mer",
    every: Annotated[bool, typer.Option("--all", help="Check every protocol of the store.")] = False,
    near_audio: Annotated[
        bool,
        typer.Option(
            help="Also look for copies at another level, cut or coded again: decodes all audio once."
        ),
    ] = True,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check what a split promises, and what else its sides share: speakers, dialogues, texts, audio.

    Also what text alone tells, and how balanced the sides are. Exits with 1 if a promise breaks.
    """
    from merdata.leakage.audit import audits
    from merdata.tables.audit import audited

    protocols = None if every else [protocol]
    found = audits(store, protocols, near_audio=near_audio, jobs=jobs, progress=True)
    if as_json:
        _print_json([one.as_json() for one in found] if every else found[0].as_json())
    else:
        audited(found)
    if any(one.broken for one in found):
        raise typer.Exit(1)


@app.command()
def stats(
    store: StoreArgument = Path("store"),
    protocol: ProtocolOption = None,
    fold: FoldOption = "0",
    as_json: AsJson = False,
) -> None:
    """Count a store by corpus, class, split, speaker, gender, language and duration, and its ledger."""
    from merdata.stats import statistics
    from merdata.tables import statistics as show_stats

    figures = statistics(store, protocol, fold)
    _print_json(figures) if as_json else show_stats.statistics(figures)


@app.command()
def report(
    store: StoreArgument = Path("store"),
    protocol: ProtocolOption = None,
    fold: FoldOption = "0",
    out: Annotated[Path, typer.Option(help="File of the page.", parser=place, metavar="FILE")] = Path(
        "report.html"
    ),
    audio: Annotated[
        str,
        typer.Option(
            metavar="MB|all",
            help="Megabytes of clips to put into the page (a sample; 0 for none), or all: every clip as WAV, "
            "in a folder beside it.",
        ),
    ] = "8",
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write one offline HTML page: figures, ledger, audit, and utterances to filter, search and hear."""
    from merdata.page.report import write_report

    made = write_report(store, out, protocol=protocol, fold=fold, audio=audio, seed=seed)
    told = f"{out}: {made['bytes'] / 1e6:.1f} MB, {made['rows']:,} utterances, {made['clips']:,} to listen to"
    _print_json(made) if as_json else typer.echo(told)


@app.command()
def card(
    store: StoreArgument = Path("store"),
    rights: Annotated[
        str | None,
        typer.Option(help="By what right the store is shared, in your words; it goes into the card."),
    ] = None,
) -> None:
    """Write the store's full card: README.md for the Hub, with figures, audit, licences and citations.

    Do it last: build and split write a short README.md again, as long as the store changes.
    """
    from merdata.card.full import write_card

    typer.echo(write_card(store, rights))


@app.command()
def verify(
    store: StoreArgument = Path("store"),
    deep: Annotated[
        bool, typer.Option("--deep", help="Also every clip's header and samples; gives the logical digest.")
    ] = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check that every file of a store is as it was written, and that they agree. Exits with 3 on faults."""
    from dataclasses import asdict

    from merdata.cli import show_check
    from merdata.integrity.verify import verify as check

    verdict = check(store, deep=deep, jobs=jobs, progress=True)
    _print_json(asdict(verdict)) if as_json else show_check.verified(verdict, store)
    if verdict.faults:
        raise typer.Exit(3)


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="The store before.", parser=place, metavar="A")],
    b: Annotated[Path, typer.Argument(help="The store after.", parser=place, metavar="B")],
    as_json: AsJson = False,
) -> None:
    """Compare two stores: rows added, removed, changed, by column, and why. Exits with 1 if they differ."""
    from dataclasses import asdict

    from merdata.cli import show_check
    from merdata.integrity.diff import diff as compare

    found = compare(a, b)
    _print_json(asdict(found)) if as_json else show_check.compared(found)
    if found.any:
        raise typer.Exit(1)


@app.command()
def push(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[STORE] REPO",
            help="Folder of the store (default store), and OWNER/NAME of a dataset on the Hugging Face Hub.",
        ),
    ],
    protocol: Annotated[
        list[str] | None, typer.Option(help="Only this protocol; may repeat (default: all that fit).")
    ] = None,
    corpora: Annotated[list[str] | None, typer.Option(help="Only this corpus; may repeat.")] = None,
    labels_only: Annotated[
        bool,
        typer.Option("--labels-only", help="No audio, and no transcripts where those are licensed."),
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Let everyone see it, if the licences do (default: private).")
    ] = False,
    rights: Annotated[
        str | None,
        typer.Option(
            "--i-have-rights",
            metavar="WHY",
            help="By which right you publish what a licence limits; goes into the card.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List files, sizes, who would see them and what the licences say."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a store to the Hugging Face Hub, as far as the licences of its corpora allow.

    Private unless --public. What no licence allows in public is uploaded there with no option.
    A dry run exits with 2 where the upload would be refused. This is no legal advice.
    """
    from merdata.cli import show_upload
    from merdata.hub.upload import push as upload

    if len(words) > 2:
        raise typer.BadParameter(f"one store and one repository, not {' '.join(words)}")
    found = upload(
        words[0] if len(words) == 2 else "store",
        words[-1],
        corpora=corpora,
        protocols=protocol,
        labels_only=labels_only,
        public=public,
        rights=rights,
        dry_run=dry_run,
    )
    _print_json(found) if as_json else show_upload.pushed(found)
    if found["refusal"]:
        raise typer.Exit(2)


@app.command()
def sample(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Where to write: one folder a corpus.", parser=on_this_machine, metavar="[FOLDER]"
        ),
    ] = Path("corpora"),
    corpus: Annotated[list[str] | None, typer.Option(help="Only this corpus; may repeat.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the voices.")] = 0,
) -> None:
    """Write miniature corpora of synthetic speech in the real layouts, to try merdata on."""
    from merdata.corpora.miniature import miniatures, write_corpus

    for name in corpus or miniatures():
        written = write_corpus(name, folder / name, seed)
        typer.echo(f"{folder / name}: {written} files")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))

"""Croissant: what a store is, for machines, with a checksum for each file and its responsible-AI fields.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from merdata.io.files import write_json
from merdata.io.places import place
from merdata.store.ledger import totals
from merdata.store.store import Store, open_store
from merdata.utterance import SAMPLE_RATE, store_schema
from merdata.version import __version__

FILE_NAME = "croissant.json"
SHARDS = "shards"
PARQUET = "application/x-parquet"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES = {
    "string": "sc:Text",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
    "float": "sc:Float",
    "bool": "sc:Boolean",
}
USES = (
    "Training and evaluating models that recognise the emotion that speech expresses, from audio and text. "
    "Not meant for judging what a person feels, nor for decisions about people."
)
PERSONS = (
    "Voices, from which speakers can be recognised; gender and language as the corpora state them; MELD's "
    "speakers are named characters of a television series."
)


def export_croissant(store: str | Path | Store, path: str | Path | None = None) -> Path:
    """Write the description; the same store gives the same bytes.

    Args:
        store: the store, or its folder.
        path: of the file (default: `croissant.json` in the store, where its relative addresses hold).

    Returns:
        Where it was written.

    Raises:
        StoreError: the file cannot be written.
    """
    store = open_store(store)
    target = store.path / FILE_NAME if path is None else place(path)
    write_json(target, describe(store))
    return target


def describe(store: Store) -> dict[str, Any]:
    """The description as JSON-LD."""
    corpora = store.corpora.values()
    titles = ", ".join(facts["title"] for facts in corpora)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": "speech-emotion-corpora",
        "description": f"Utterances with emotion labels of {titles}, in one form: audio, text, label.",
        "version": __version__,
        "license": sorted({facts["licence"] for facts in corpora}),
        "inLanguage": sorted({language for facts in corpora for language in facts["languages"]}),
        "isBasedOn": sorted(facts["homepage"] for facts in corpora),
        "keywords": ["emotion", "speech emotion recognition", *sorted(store.corpora)],
        "distribution": [*_files(store), _file_set()],
        "recordSet": [_classes(store), _utterances(store)],
        **{f"rai:{name}": text for name, text in _responsible(store).items()},
    }


def _files(store: Store) -> Iterable[dict[str, Any]]:
    for shard in store.shards():
        yield {
            "@type": "cr:FileObject",
            "@id": shard.relative,
            "name": shard.relative,
            "contentUrl": shard.relative,
            "encodingFormat": PARQUET,
            "sha256": shard.sha256,
        }


def _file_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": SHARDS,
        "name": SHARDS,
        "encodingFormat": PARQUET,
        "includes": "data/*/*.parquet",
    }


def _classes(store: Store) -> dict[str, Any]:
    fields = [("classes/index", "sc:Integer"), ("classes/name", "sc:Text")]
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": "What the integers of the column label stand for.",
        "key": {"@id": "classes/index"},
        "field": [{"@type": "cr:Field", "@id": id, "name": id, "dataType": kind} for id, kind in fields],
        "data": [
            {"classes/index": index, "classes/name": name} for index, name in enumerate(store.space.classes)
        ],
    }


def _utterances(store: Store) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "utterances",
        "name": "utterances",
        "description": "A record an utterance. Besides, the files have each rater's votes.",
        "key": {"@id": "utterances/id"},
        "field": [_field(column) for column in store_schema(store.space.classes) if column.name != "votes"],
    }


def _field(column: pa.Field) -> dict[str, Any]:
    id = f"utterances/{column.name}"
    source: dict[str, Any] = {"fileSet": {"@id": SHARDS}, "extract": {"column": column.name}}
    made = {"@type": "cr:Field", "@id": id, "name": id, "source": source}
    if column.name == "audio":
        source["transform"] = {"jsonPath": "bytes"}
        return {**made, "dataType": "sc:AudioObject", "description": f"WAV, PCM16, mono, {SAMPLE_RATE} Hz."}
    if pa.types.is_list(column.type):
        return {**made, "dataType": TYPES[str(column.type.value_type)], "repeated": True}
    return {**made, "dataType": TYPES[str(column.type)]}


def _responsible(store: Store) -> dict[str, str | list[str]]:
    """The fields of the responsible-AI extension, from what the store knows of itself."""
    facts = store.corpora.values()
    lost: Counter[str] = Counter()
    for one in facts:
        lost.update({f"{state}: {reason}": rows for state in ("silenced", "dropped")
                     for reason, rows in one["counts"][state].items()})  # fmt: skip
    rows = totals((one["domain"], one["counts"]["stored"]) for one in facts)
    defects = sorted(
        {f"{name}: {defect}" for name, one in store.corpora.items() for defect in one["counts"]["defects"]}
    )
    return {
        "dataCollection": "Published corpora, read as they lie on disk: "
        + "; ".join(f"{one['title']} ({one['domain']}, {one['homepage']})" for one in facts),
        "dataCollectionType": ["Secondary Data analysis"],
        "dataCollectionMissingData": "; ".join(
            f"{reason} {rows:,} rows" for reason, rows in sorted(lost.items())
        )
        or "Every row that the corpora promise is in the store.",
        "dataCollectionRawData": "Each row names its source file and its SHA-256 and keeps the raw label.",
        "dataPreprocessingProtocol": [
            f"Audio: decoded, mixed down to one channel, resampled to {SAMPLE_RATE} Hz, 16 bits.",
            "Text: cleaned of encoding faults; the original is kept where it differs.",
        ],
        "dataAnnotationProtocol": "The corpora's labels (what actors were told, or raters' votes), mapped "
        f"by a policy into {store.space.name}: {', '.join(store.space.classes)}. Raw labels are kept.",
        "dataUseCases": USES,
        "dataBiases": "Rows by domain: "
        + ", ".join(f"{name} {number:,}" for name, number in rows.items())
        + ". Acted emotion is stronger and cleaner than what people show in conversation.",
        "dataLimitations": ["Known defects of the sources are noted on the rows that have them.", *defects],
        "personalSensitiveInformation": PERSONS,
    }

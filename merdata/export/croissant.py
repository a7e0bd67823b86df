"""Croissant: a machine-readable description of a store, with checksums and responsible-AI fields.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from merdata.io.files import write_json
from merdata.io.places import place
from merdata.store.ledger import totals
from merdata.store.links import check_output
from merdata.store.store import Store, open_store
from merdata.utterance import SAMPLE_RATE, store_schema
from merdata.version import __version__

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Node = dict[str, Json]

FILE_NAME = "croissant.json"
SHARDS = "shards"
PARQUET = "application/x-parquet"
CONTEXT: Node = {
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
    "Not meant for judging what a person feels, or for decisions about people."
)
PERSONS = "Voices, from which speakers can be recognised; gender and language as the corpora state them."


def export_croissant(store: str | Path | Store, path: str | Path | None = None) -> Path:
    """Write the description; the same store gives the same bytes.

    Args:
        store: the store, or its folder or URL.
        path: of the file (default: `croissant.json` in the store, to which its URLs are relative).

    Returns:
        The path of the file.

    Raises:
        StoreError: the file cannot be written.
    """
    store = open_store(store)
    target = store.path / FILE_NAME if path is None else place(path)
    check_output(store.path, target)
    write_json(target, describe(store))
    return target


def describe(store: Store) -> Node:
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


def _files(store: Store) -> Iterator[Node]:
    for shard in store.shards():
        yield {
            "@type": "cr:FileObject",
            "@id": shard.relative,
            "name": shard.relative,
            "contentUrl": shard.relative,
            "encodingFormat": PARQUET,
            "sha256": shard.sha256,
        }


def _file_set() -> Node:
    return {
        "@type": "cr:FileSet",
        "@id": SHARDS,
        "name": SHARDS,
        "encodingFormat": PARQUET,
        "includes": "data/*/*.parquet",
    }


def _classes(store: Store) -> Node:
    fields = [("classes/index", "sc:Integer"), ("classes/name", "sc:Text")]
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": "The class that each integer of the column label stands for.",
        "key": {"@id": "classes/index"},
        "field": [{"@type": "cr:Field", "@id": id, "name": id, "dataType": kind} for id, kind in fields],
        "data": [
            {"classes/index": index, "classes/name": name} for index, name in enumerate(store.space.classes)
        ],
    }


def _utterances(store: Store) -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": "utterances",
        "name": "utterances",
        "description": "One record for each utterance. The files also have the votes of each rater.",
        "key": {"@id": "utterances/id"},
        "field": [_field(column) for column in store_schema(store.space.classes) if column.name != "votes"],
    }


def _field(column: pa.Field) -> Node:
    id = f"utterances/{column.name}"
    source: Node = {"fileSet": {"@id": SHARDS}, "extract": {"column": column.name}}
    field: Node = {"@type": "cr:Field", "@id": id, "name": id, "source": source}
    if column.name == "audio":
        source["transform"] = {"jsonPath": "bytes"}
        return {**field, "dataType": "sc:AudioObject", "description": f"WAV, PCM16, mono, {SAMPLE_RATE} Hz."}
    if pa.types.is_list(column.type):
        return {**field, "dataType": TYPES[str(column.type.value_type)], "repeated": True}
    return {**field, "dataType": TYPES[str(column.type)]}


def _responsible(store: Store) -> Node:
    """The fields of the responsible-AI extension, from the store's own facts."""
    facts = store.corpora.values()
    corpora = "; ".join(f"{each['title']} ({each['domain']}, {each['homepage']})" for each in facts)
    domains = totals((each["domain"], each["counts"]["stored"]) for each in facts)
    return {
        "dataCollection": f"Published corpora, read from their original files: {corpora}",
        "dataCollectionType": ["Secondary Data analysis"],
        "dataCollectionMissingData": _missing(store) or "Every row of the corpora is in the store.",
        "dataCollectionRawData": "Each row names its source file and its SHA-256 and keeps the raw label.",
        "dataPreprocessingProtocol": [
            f"Audio: decoded, mixed down to one channel, resampled to {SAMPLE_RATE} Hz, 16 bits.",
            "Text: encoding faults repaired; the original is kept where it differs.",
        ],
        "dataAnnotationProtocol": "The corpora's labels (what actors were told, or raters' votes), mapped "
        f"by a policy into {store.space.name}: {', '.join(store.space.classes)}. Raw labels are kept.",
        "dataUseCases": USES,
        "dataBiases": "Rows by domain: "
        + ", ".join(f"{domain} {rows:,}" for domain, rows in domains.items())
        + ". Acted emotion is stronger and clearer than emotion in conversation.",
        "dataLimitations": [
            *(each["limits"] for each in facts if each["limits"]),
            "Known defects of the sources are noted on the rows that have them.",
            *_defects(store),
        ],
        "personalSensitiveInformation": PERSONS,
    }


def _missing(store: Store) -> str:
    """Rows whose audio was replaced or that are not in the store, by reason."""
    missing: Counter[str] = Counter()
    for facts in store.corpora.values():
        for state in ("silenced", "dropped"):
            missing.update({f"{state}: {reason}": rows for reason, rows in facts["counts"][state].items()})
    return "; ".join(f"{reason} {rows:,} rows" for reason, rows in sorted(missing.items()))


def _defects(store: Store) -> list[str]:
    return sorted(
        {
            f"{name}: {defect}"
            for name, facts in store.corpora.items()
            for defect in facts["counts"]["defects"]
        }
    )

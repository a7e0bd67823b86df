"""The store's README.md: what `load_dataset` reads (configs in its YAML) and what a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from merdata.escaping import printable
from merdata.io.resources import render_card
from merdata.store.protocol import (
    SPLITS,
    TRAIN,
    Protocol,
    covers,
    protocol_names,
    read_protocol,
    whole_shards,
)
from merdata.store.store import Shard, Store

DEFAULT_PROTOCOL = "mer"
StoreConfig = dict[str, list[Shard]]  # split -> its shards


def make_card(store: Store) -> tuple[str, list[str]]:
    """README.md with a config for every protocol that splits no shard, and one for every corpus.

    Returns:
        Its text, and the names of protocols that no longer fit the store's rows; they get no config.

    Raises:
        SplitError: a protocol's file is unreadable.
        StoreError: a shard is unreadable.
    """
    protocols = [read_protocol(store, name) for name in protocol_names(store)]
    outdated = [protocol.name for protocol in protocols if not covers(store, protocol)]
    current = [protocol for protocol in protocols if protocol.name not in outdated]
    configs = {name: own for protocol in current for name, own in protocol_configs(store, protocol).items()}
    front = yaml.safe_dump(front_matter(store, configs), sort_keys=False, allow_unicode=True, width=120)
    name = pretty_name(store)
    body = render_card("dataset.md.j2", name=name, store=store, protocols=current, corpora=store.corpora)
    return f"---\n{front}---\n\n{body}", outdated


def pretty_name(store: Store) -> str:
    """The store's title: its corpus's, where it has only one."""
    titles = [printable(facts["title"]) for facts in store.corpora.values()]
    return f"{titles[0] if len(titles) == 1 else 'Speech emotion corpora'}, built by merdata"


def protocol_configs(store: Store, protocol: Protocol) -> dict[str, StoreConfig]:
    """Name of a config -> split -> its shards, for the folds of a protocol that split no shard."""
    return {
        protocol.name if protocol.folds == [0] else f"{protocol.name}_{protocol.fold_names[fold]}": shards
        for fold, shards in whole_shards(store, protocol).items()
    }


def front_matter(store: Store, configs: Mapping[str, StoreConfig]) -> dict[str, Any]:
    """The YAML header of a store's README.md, with the configs that `protocol_configs` gives."""
    languages = sorted({name for facts in store.corpora.values() for name in facts["languages"]})
    return {
        "pretty_name": pretty_name(store),
        **({"language": languages} if languages else {}),
        "license": "other",
        "task_categories": ["audio-classification"],
        "tags": ["emotion", "speech-emotion-recognition"],
        "configs": _configs(store, dict(configs)),
    }


def _configs(store: Store, configs: dict[str, StoreConfig]) -> list[dict[str, Any]]:
    """The default protocol as `default` and by corpus; the others by name, one config per fold."""
    default = configs.pop(DEFAULT_PROTOCOL, {TRAIN: store.shards()})
    written = [{**_config("default", default), "default": True}]
    written += [_config(corpus, _of_corpus(default, corpus)) for corpus in sorted(store.corpora)]
    written += [_config(name, config) for name, config in sorted(configs.items())]
    return [entry for entry in written if entry["data_files"]]


def _of_corpus(config: StoreConfig, corpus: str) -> StoreConfig:
    return {split: [shard for shard in shards if shard.corpus == corpus] for split, shards in config.items()}


def _config(name: str, config: StoreConfig) -> dict[str, Any]:
    files = [
        {"split": split, "path": [shard.relative for shard in config[split]]}
        for split in SPLITS
        if config.get(split)
    ]
    return {"config_name": name, "data_files": files}

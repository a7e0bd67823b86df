"""Make a protocol of a store; the kinds by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from merdata.card import write_card
from merdata.errors import SplitError
from merdata.splits.mer import make_mer
from merdata.splits.protocol import Protocol, save_protocol
from merdata.store import Store, open_store

KINDS: dict[str, Callable[[Store, int], Protocol]] = {"mer": make_mer}


def split(store: str | Path | Store, protocol: str = "mer", seed: int = 0) -> Protocol:
    """Make a protocol, write its table into the store and its configs into the store's README.md.

    Raises:
        SplitError: there is no such kind.
        StoreError: the store cannot be read or written.
    """
    if protocol not in KINDS:
        raise SplitError(f"no protocol is called {protocol!r}; there are {', '.join(KINDS)}")
    store = store if isinstance(store, Store) else open_store(store)
    made = KINDS[protocol](store, seed)
    save_protocol(store, made)
    write_card(store)
    return made

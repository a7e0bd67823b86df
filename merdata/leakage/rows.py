"""The store's rows as the audit compares them: everything as numbers, equal where rows share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from merdata.splits.sentences import same_sentences
from merdata.store.protocol import SPLITS, Protocol
from merdata.store.store import Store
from merdata.text import Codes, normalised
from merdata.utterance import is_silenced

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHARED = ("speaker", "session", "dialogue", "prompt")  # columns that validation and test may share with train
COLUMNS = ("id", "corpus", "label", "gender", "text", "audio_sha256", "notes", *SHARED)
FEATURES = 2**14  # of a text's words, for the linear probes
WORD = r"\b\w+\b"  # one letter is a word, too

Split = npt.NDArray[np.int8]  # of each row in one fold, a place in SPLITS; -1 where the fold does not use it
Splits = Mapping[int, Split]  # by fold
TRAIN, VALIDATION, TEST = range(len(SPLITS))


@dataclass(frozen=True)
class Property:
    """One thing that rows can share.

    Attributes:
        codes: `[rows]`, equal where rows share it, -1 where a row has none.
        names: what each code stands for, sorted.
    """

    codes: Codes
    names: npt.NDArray[np.object_]


@dataclass(frozen=True)
class Rows:
    """The rows of a store.

    Attributes:
        ids: of the rows.
        corpus, label, gender: of each row.
        words: the normalised text of each row; its names, and those of `sentence`, are all texts and prompts.
        sentence: equal where rows of a corpus share a prompt or a text.
        shared: what may be on both sides of a split, by name; the audit adds `near audio`. Audio is compared
            across corpora, the rest inside a corpus.
        crossed: corpora in which every speaker says every sentence in every emotion.
        learned: what the probes learned, by what they learned from: other protocols use it again.
    """

    ids: pa.StringArray
    corpus: Property
    label: Property
    gender: Property
    words: Property
    sentence: Property
    shared: dict[str, Property]
    crossed: frozenset[str]
    learned: dict[bytes, Codes] = field(default_factory=dict)

    def splits_of(self, protocol: Protocol) -> dict[int, Split]:
        """The split of each row, by fold."""
        import pyarrow.compute as pc

        row = pc.fill_null(pc.index_in(protocol.table["id"], self.ids), -1).to_numpy()
        part = pc.fill_null(pc.index_in(protocol.table["split"], pa.array(SPLITS)), -1).to_numpy()
        fold = protocol.table["fold"].to_numpy()
        order = np.argsort(fold, kind="stable")
        order = order[row[order] >= 0]
        folds, starts = np.unique(fold[order], return_index=True)
        splits = {}
        for number, own in zip(folds, np.split(order, starts[1:]), strict=True):
            splits[int(number)] = np.full(len(self.ids), -1, np.int8)
            splits[int(number)][row[own]] = part[own]
        return splits

    @cached_property
    def features(self) -> csr_matrix:
        """Hashed words of each of the names of `words` and `sentence`, `[names, FEATURES]`."""
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(n_features=FEATURES, token_pattern=WORD).transform(self.words.names)


def read_rows(store: Store) -> Rows:
    """Everything that the audit compares, but the audio.

    Raises:
        StoreError: the store cannot be read.
    """
    table = store.rows(COLUMNS)
    silent = silent_rows(table["notes"])
    columns = {name: _coded(table[name]) for name in COLUMNS if name not in ("id", "notes")}
    corpus, prompt, audio = columns["corpus"], columns["prompt"], columns["audio_sha256"]
    heard = Property(np.where(silent, -1, audio.codes), audio.names)  # silence is no copy of silence
    words, sentence, said = _said(corpus, _folded(columns["text"]), prompt)
    speaker = columns["speaker"]
    shared = {
        "speaker": _inside(corpus, speaker),
        "speaker name": _inside(corpus, _other_spellings(corpus, speaker)),
        **{name: _inside(corpus, columns[name]) for name in SHARED[1:]},
        "text": said,
        "audio": heard,
    }
    crossed = frozenset(name for name, facts in store.corpora.items() if facts.get("crossed"))
    ids = table["id"].combine_chunks()
    return Rows(ids, corpus, columns["label"], columns["gender"], words, sentence, shared, crossed)


def coded(values: Any) -> Property:
    """Strings, None where one is missing, as codes."""
    return _coded(pa.chunked_array([pa.array(values, pa.string())]))


def _coded(column: pa.ChunkedArray) -> Property:
    import pyarrow.compute as pc

    encoded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order) + 1, np.int64)
    rank[order], rank[-1] = np.arange(len(order)), -1
    codes = rank[pc.fill_null(encoded.indices, -1).to_numpy()]
    return Property(codes, encoded.dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False))


def silent_rows(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Rows whose notes say that their audio is silence."""
    import pyarrow.compute as pc

    notes = column.combine_chunks()
    note = pc.list_flatten(notes).dictionary_encode()
    says = np.array([is_silenced([text]) for text in note.dictionary.to_pylist()], bool)
    silent = np.zeros(len(notes), bool)
    silent[pc.list_parent_indices(notes).to_numpy()[says[note.indices.to_numpy()]]] = True
    return silent


def _folded(values: Property) -> Property:
    """Values by their words, which several spellings share; none where there is no word."""
    folded = coded([normalised(name) or None for name in values.names])
    return Property(np.append(folded.codes, -1)[values.codes], folded.names)


def _inside(corpus: Property, values: Property) -> Property:
    """Values that are shared inside a corpus alone, called `corpus/value`."""
    pairs = corpus.codes * max(len(values.names), 1) + values.codes
    known = (corpus.codes >= 0) & (values.codes >= 0)
    distinct, dense = np.unique(np.where(known, pairs, -1), return_inverse=True)
    missing = int(len(distinct) > 0 and distinct[0] < 0)
    of_corpus, of_value = np.divmod(distinct[missing:], max(len(values.names), 1))
    names = corpus.names[of_corpus] + "/" + values.names[of_value]
    return Property(dense - missing, names)


def _said(corpus: Property, text: Property, prompt: Property) -> tuple[Property, Property, Property]:
    """Words and sentence of each row, with the same names; and the sentence inside its corpus."""
    names = coded([*text.names, *prompt.names])
    of_text, of_prompt = np.split(names.codes, [len(text.names)])
    texts, prompts = _inside(corpus, text), _inside(corpus, prompt)
    first = same_sentences(texts.codes, prompts.codes, len(texts.names), len(prompts.names))
    called = np.full(len(texts.names) + len(prompts.names) + 1, -1)  # the last is for rows that say nothing
    for value, inside, offset, name in (
        (text, texts, 0, of_text),
        (prompt, prompts, len(texts.names), of_prompt),
    ):
        there = value.codes >= 0
        called[inside.codes[there] + offset] = name[value.codes[there]]
    distinct, dense = np.unique(first, return_inverse=True)
    missing = int(len(distinct) > 0 and distinct[0] < 0)
    shared = np.concatenate([texts.names, prompts.names])[distinct[missing:]]
    words = Property(np.append(of_text, -1)[text.codes], names.names)
    return words, Property(called[first], names.names), Property(dense - missing, shared)


def _other_spellings(corpus: Property, speaker: Property) -> Property:
    """Folded names of the speakers, for corpora that spell a name in several ways; none elsewhere."""
    name = _folded(speaker)
    several = [
        len(np.unique(name.codes[own])) < len(np.unique(speaker.codes[own]))
        for own in (corpus.codes == number for number in range(len(corpus.names)))
    ]
    return Property(np.where(np.array(several, bool)[corpus.codes], name.codes, -1), name.names)

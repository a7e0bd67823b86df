"""How well vectors tell emotions and speakers apart, and a map of them in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

Floats = npt.NDArray[Any]
NEIGHBOURS = 5
COMPONENTS = 50
PERPLEXITY = 30
FEWEST = 3 * NEIGHBOURS  # rows: with fewer, neighbours and maps mean nothing


@dataclass(frozen=True)
class Separability:
    """How well vectors separate the values of a label.

    Attributes:
        silhouette: mean silhouette coefficient, -1 to 1 (Rousseeuw 1987, J. Comput. Appl. Math. 20).
        neighbours: share of rows whose nearest neighbours mostly have their value.
        majority: share of the most frequent value, which is what `neighbours` has to beat.
    """

    silhouette: float
    neighbours: float
    majority: float


def separability(vectors: Floats, labels: Sequence[str]) -> Separability | None:
    """Of vectors `[n, width]`; None for fewer than two values, or as many as rows."""
    values, codes, counts = np.unique(np.asarray(labels, str), return_inverse=True, return_counts=True)
    if not 2 <= len(values) < len(labels) or len(labels) < FEWEST:
        return None
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(vectors).kneighbors(return_distance=False)
    votes = np.eye(len(values))[codes[near]].sum(axis=1)  # of the others: a row is no neighbour of itself
    return Separability(
        float(silhouette_score(vectors, codes)),
        float(np.mean(votes.argmax(axis=1) == codes)),
        float(counts.max() / len(codes)),
    )


def reduced(vectors: Floats) -> Floats:
    """The first 50 principal components, `[n, 50]` or fewer."""
    components = min(COMPONENTS, *vectors.shape)
    parts: Floats = PCA(components, svd_solver="full").fit_transform(vectors)
    return parts


def mapped(vectors: Floats, seed: int = 0) -> Floats:
    """A map `[n, 2]` by t-SNE of the principal components (van der Maaten and Hinton 2008, JMLR 9)."""
    parts = reduced(vectors)
    perplexity = min(PERPLEXITY, (len(parts) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    points: Floats = tsne.fit_transform(parts)
    return points

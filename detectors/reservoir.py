"""Which texts a baseline keeps as examples of what is normal."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.features import first_of_each

if TYPE_CHECKING:
    from detectors.embedder import Embedded

MOST = 20_000
_MOST_BYTES = 16_000_000


def reservoir(vectors: "Embedded") -> NDArray[np.float16]:
    """The different rows of texts and of their chunks, text by text; 20,000, or as many as 16 MB hold."""
    owner = np.concatenate([np.arange(len(vectors.mean)), vectors.owner])
    rows = np.concatenate([vectors.mean, vectors.chunk]).astype(np.float16)[np.argsort(owner, kind="stable")]
    most = min(MOST, _MOST_BYTES // (2 * rows.shape[1]))
    return np.asarray(rows[first_of_each(rows)[:most]])

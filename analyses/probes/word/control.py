"""Control tasks: a word type has one random label, wherever it stands (Hewitt, Liang 2019). Pure arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
CONTROL_STREAM = 7


def word_types(words: Mapping[str, Sequence[str]]) -> tuple[dict[str, Ints], int]:
    """The type of each word of each split as a number, and how many there are: one vocabulary for all."""
    vocabulary = sorted({text for split in words.values() for text in split})
    number = {text: at for at, text in enumerate(vocabulary)}
    numbered = {
        split: np.array([number[text] for text in texts], dtype=np.int64) for split, texts in words.items()
    }
    return numbered, len(number)


def control_labels(n_types: int, label_V: Ints, n_labels: int, seed: int) -> Ints:
    """A label for each type, drawn as often as the labels come among the training words `label_V`."""
    share_K = np.bincount(label_V, minlength=n_labels) / len(label_V)
    return np.random.default_rng([seed, CONTROL_STREAM]).choice(n_labels, size=n_types, p=share_K)

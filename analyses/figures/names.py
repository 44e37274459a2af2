"""What measures are called in figures, and which are drawn."""

NAMES = {
    "rsa": "RSA similarity",
    "cka": "CKA similarity",
    "cka-debiased": "CKA similarity (debiased)",
    "cka-minibatch": "CKA similarity (minibatches)",
    "cca": "CCA similarity",
    "svcca": "SVCCA similarity",
    "pwcca": "PWCCA similarity",
    "procrustes": "Procrustes similarity",
    "shape": "Shape similarity",
    "neighbours": "Shared nearest neighbours",
    "drift": "Mean cosine of a token",
}
KINDS = {
    "linear": "linear kernel",
    "euclidean": "Euclidean distances",
    "rbf": "RBF kernel",
    "spearman": "ranks",
}
"""What the suffixes of a measure say."""


def measure_name(measure: str) -> str:
    """The measure as an axis title; its own name where it has no other."""
    stem, kinds = _parts(measure)
    if stem is None:
        return measure
    return f"{NAMES[stem]} ({', '.join(KINDS[kind] for kind in kinds)})" if kinds else NAMES[stem]


def is_drawn(measure: str) -> bool:
    """Whether it is a similarity of its own, 1 for equal sides: not an angle, and of no one direction."""
    return _parts(measure)[0] is not None


def _parts(measure: str) -> tuple[str | None, list[str]]:
    stem, kinds = measure, list[str]()
    while stem not in NAMES:
        stem, _, kind = stem.rpartition("-")
        if kind not in KINDS or not stem:
            return None, []
        kinds.insert(0, kind)
    return stem, kinds

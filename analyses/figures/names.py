"""What measures are called in figures."""

NAMES = {
    "rsa": "RSA similarity",
    "cka": "CKA similarity",
    "cka-debiased": "CKA similarity (debiased)",
    "svcca": "SVCCA similarity",
    "pwcca": "PWCCA similarity",
    "procrustes": "Procrustes similarity",
    "neighbours": "Shared nearest neighbours",
}


def measure_name(measure: str) -> str:
    """The measure as an axis title; its own name where it has no other."""
    return NAMES.get(measure, measure)

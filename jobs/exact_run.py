"""The float32 run that a run of lower precision is measured against."""

from actstore.errors import NotFoundError
from actstore.store.catalog import RunInfo

EXACT = "float32"


def exact_run(info: RunInfo, every: list[RunInfo]) -> RunInfo:
    """A complete float32 run of the same checkpoint and tokens; of several the one with the most sites.

    Raises NotFoundError where there is none, or `info` itself is not complete.
    """
    same = (info.spec.trunk_sha256, info.spec.tokens_id)
    exact = [
        other
        for other in every
        if (other.spec.trunk_sha256, other.spec.tokens_id) == same
        and other.spec.dtype == EXACT
        and other.complete
    ]
    if not exact or not info.complete:
        raise NotFoundError(
            f"run {info.run_id} ({info.spec.dtype}) has no complete {EXACT} run of the same checkpoint and "
            f'tokens beside it: extract the study once more with dtype = "{EXACT}", then ask again'
        )
    return max(exact, key=lambda other: (len(other.spec.sites), other.run_id))

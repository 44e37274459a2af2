"""Room: whether the disk can hold what a study asks, before anything is written."""

from actstore.capture.sites import choose_sites
from actstore.errors import CapacityError
from actstore.schema.spec import ITEM_BYTES
from actstore.store.objects import Objects
from jobs.machine import free_bytes
from jobs.planned import bytes_left, plan_runs
from jobs.prepare import Described


def rough_bytes(described: Described) -> int:
    """About what all runs take, a word a token: most of what they take in fact."""
    total = 0
    for run in described.needed:
        ref, digest = described.checkpoints[run.checkpoint], described.corpora[run.corpus][1]
        row_bytes = len(choose_sites(run.sites, ref)) * ref.width
        total += digest.n_words * row_bytes * ITEM_BYTES[described.study.extract.dtype]
    return total


def check_room(described: Described, place: Objects, there: Objects | None) -> None:
    """Raise CapacityError where the disk is too small. Tokenises only where that is likely."""
    free = free_bytes(place)
    if free is None or rough_bytes(described) <= free:
        return
    needed = bytes_left(plan_runs(described, there))
    if needed > free:
        raise CapacityError(
            f"the missing shards take {needed / 1e9:.2f} GB, {place.url} has {free / 1e9:.2f} GB free; "
            "`actstore plan` tells each run; choose fewer sites, a smaller dtype (int8), a limit for the "
            "corpus, or another disk"
        )

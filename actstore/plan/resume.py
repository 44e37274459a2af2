"""Resume: what is left to do, and in which portions it is handed out. Pure functions of numbers."""

from collections.abc import Iterator, Mapping, Sequence, Set


def shards_left(n_shards: int, done: Set[int]) -> Sequence[int]:
    """Shards that are not done, ascending; as a range, which takes no memory, where none is."""
    if not done:
        return range(n_shards)
    return [shard for shard in range(n_shards) if shard not in done]


def portions(left: Mapping[str, Sequence[int]], most_units: int) -> Iterator[list[str]]:
    """Runs, in order, in portions of at most so many shards together, or of one run.

    So that not all shards are units at once. Runs without a shard left are left out.
    """
    portion: list[str] = []
    n_units = 0
    for run_id, shards in left.items():
        if not shards:
            continue
        if portion and n_units + len(shards) > most_units:
            yield portion
            portion, n_units = [], 0
        portion.append(run_id)
        n_units += len(shards)
    if portion:
        yield portion

"""Places: how many workers the nodes' resources hold, and what memory each then has. Needs no Ray."""

from collections.abc import Mapping, Sequence

from actstore.schema.ports import Resources


def places(nodes: Sequence[Mapping[str, float]], resources: Resources) -> int:
    """How many workers fit on nodes with these resources, other work aside."""
    asked = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": float(resources.memory_bytes)}
    asked = {name: amount for name, amount in asked.items() if amount > 0}
    if not asked:
        return len(nodes)
    return sum(
        min(int(node.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items()) for node in nodes
    )


def smallest_share(
    nodes: Sequence[Mapping[str, float]], resources: Resources, n_workers: int | None = None
) -> int:
    """Memory of a node over the workers that it may get, the least of all nodes, in bytes.

    `n_workers`: there are no more than these, wherever they are. 0 where nobody has a place.
    """
    found = {number: places([node], resources) for number, node in enumerate(nodes)}
    return min(
        (
            int(nodes[number].get("memory", 0.0) / (n if n_workers is None else min(n, n_workers)))
            for number, n in found.items()
            if n
        ),
        default=0,
    )

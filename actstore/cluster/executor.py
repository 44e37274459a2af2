"""The executor on Ray: a crew of actors on this machine or a cluster, driven by plan.schedule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from actstore.cluster.connect import connect, worker_environment
from actstore.cluster.places import places, smallest_share
from actstore.cluster.probes import AnyProbe, probe_file, probe_listing, probe_object
from actstore.errors import CapacityError
from actstore.plan.schedule import Schedule
from actstore.schema.ports import Outcome, Resources, Unit, Work
from actstore.store.objects import Objects

PLACEMENT_SECONDS = 600.0


class RayExecutor:
    """Runs units on Ray actors. The twin of SerialExecutor.

    `address`: None (RAY_ADDRESS, else a Ray of our own), 'local', 'auto' or 'host:port'. `n_workers`: None is
    as many as fit on the cluster, more when nodes are added. `environment`: further variables of the worker
    processes. `load_cost`: what opening a group costs in weight (None: as much as a unit).
    `placement_seconds`: how long to wait while not one worker can be had. `record` is told every outcome, for
    metrics; `tell` takes remarks for the user.
    Raises ClusterError when nothing answers at the address.
    """

    def __init__(
        self,
        address: str | None = None,
        n_workers: int | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        load_cost: float | None = None,
        placement_seconds: float = PLACEMENT_SECONDS,
        record: Callable[[Outcome], None] | None = None,
        tell: Callable[[str], None] = lambda remark: None,
    ) -> None:
        self._owned = connect(address, n_workers)
        self._n_workers = n_workers
        self._environment = dict(environment or {})
        self._load_cost = load_cost
        self._placement_seconds = placement_seconds
        self._record, self._tell = record, tell
        self._probes: list[AnyProbe] = []
        self._held = ExitStack()

    @property
    def n_workers(self) -> int:
        return self.workers_for(Resources())

    def workers_for(self, resources: Resources) -> int:
        """How many workers of this size there will be."""
        return self._places(resources) if self._n_workers is None else self._n_workers

    @property
    def has_gpus(self) -> bool:
        """Whether a node has a GPU for Ray to give away."""
        return self._places(Resources(cpus=0.0, gpus=1.0)) > 0

    @property
    def grows(self) -> bool:
        """Whether nodes may be added: to a cluster, not to this machine."""
        return not self._owned

    def map(self, work: Work, units: Sequence[Unit], resources: Resources) -> Iterator[Outcome]:
        """Yield one outcome a unit, in the order they end.

        What a unit raises is its failure and is not tried again. Units of a lost worker are done again by
        others, up to three times. A group that a worker can not open is opened by others, elsewhere first; it
        fails where nobody can, alone.
        Raises CapacityError where this machine can not hold one worker; ClusterError where no worker starts.
        """
        # Ray reads its settings when it is imported, and `connect` makes them.
        from actstore.cluster.crew import Crew
        from actstore.cluster.drive import Drive

        schedule = Schedule(
            units, slots=resources.overlap, load_cost=self._load_cost, ahead=resources.ahead
        )  # fmt: skip
        self._check_fits(resources)
        crew = Crew(work, resources, worker_environment(resources, self._environment), self._probes)
        drive = Drive(
            crew,
            schedule,
            lambda: self.workers_for(resources),
            placement_seconds=self._placement_seconds,
            tell=self._tell,
        )
        for outcome in drive.outcomes():
            if self._record is not None:
                self._record(outcome)
            yield outcome

    def share_bytes(self, resources: Resources) -> int:
        """Memory of a worker's share of the fullest node, in bytes; 0 where nobody has a place."""
        from actstore.cluster.nodes import alive_nodes

        return smallest_share([node["Resources"] for node in alive_nodes()], resources, self._n_workers)

    def check_nodes(
        self, folders: Sequence[Path], readable: Sequence[Path] = (), buckets: Sequence[Objects] = ()
    ) -> None:
        """Every node proves that it sees what the driver sees, and so does each that joins later.

        In each of `folders` (stores) the driver writes a probe file that every node must find and be able to
        write beside; it stays until the executor is closed. Of `readable` (local models) each node must find
        the same files, as large, and open them. In `buckets` (object stores) each must find what the driver
        wrote and write something itself, with its own credentials. Raises ClusterError with node and path;
        AccessError where the driver can not write.
        """
        from actstore.cluster.nodes import check_nodes

        if self._owned:
            return
        probes: list[AnyProbe] = [self._held.enter_context(probe_file(folder)) for folder in folders]
        probes += [self._held.enter_context(probe_object(objects)) for objects in buckets]
        probes += [probe_listing(path) for path in readable]
        check_nodes(probes)
        self._probes += probes

    def close(self) -> None:
        """Stop Ray where it was started by this executor; take the probe files away."""
        import ray

        self._held.close()
        if self._owned:
            ray.shutdown()
            self._owned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _places(self, resources: Resources) -> int:
        from actstore.cluster.nodes import alive_nodes

        return places([node["Resources"] for node in alive_nodes()], resources)

    def _check_fits(self, resources: Resources) -> None:
        """A cluster may grow; this machine does not."""
        if self._owned and self._places(resources) == 0:
            raise CapacityError(
                f"a worker asks for {resources.cpus} CPUs, {resources.gpus} GPUs and "
                f"{resources.memory_bytes} bytes, and Ray on this machine has no place for one: ask for less "
                "or use a cluster"
            )

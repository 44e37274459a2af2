"""Which executor a command uses: Ray, or one process without it."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actstore.schema.ports import Executor


@contextmanager
def open_executor(
    arguments: argparse.Namespace, *, folders: Sequence[Path] = (), readable: Sequence[Path] = ()
) -> Iterator[Executor]:
    """The executor that `--ray-address` and `--workers` name, closed at the end.

    `folders` are written by every node, `readable` read by every node: a cluster is asked to prove both.
    Raises ClusterError when nothing answers or a node can not see the files.
    """
    if arguments.ray_address == "none":
        from actstore.serial import SerialExecutor

        yield SerialExecutor()
        return
    # Only a command that needs Ray pays for loading it.
    from actstore.cluster.executor import RayExecutor

    with RayExecutor(arguments.ray_address, arguments.workers) as executor:
        executor.check_nodes(folders, readable)
        yield executor

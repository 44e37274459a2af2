"""What a kill loses: each way is killed when half of its bytes lie there, and the same command run again."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from peer_files import stored_in_hdf5, stored_in_numpy, stored_in_parquet
from ways_to_extract import bytes_below

from actstore.store.root import open_root
from actstore.store.runs import read_receipts

POLL_SECONDS = 0.005
PROJECT = Path(__file__).parents[1]
STUDY = """store = "store"
[extract]
dtype = "float32"
[[checkpoint]]
name = "model"
model = "{model}"
[[corpus]]
name = "text"
path = "{text}"
format = "text"
"""


@dataclass(frozen=True, slots=True)
class Killable:
    """A way as a command of its own."""

    words: Sequence[str]
    into: Path
    readable: Callable[[Path], int]
    """Tokens of all sites that are found whole in what is there; raises where nothing opens."""
    goes_on: bool = False
    """Whether it looks at what is there; else all is computed again."""


def plain(text: Path, model: Path, into: Path, form: str, n_sites: int) -> Killable:
    """The common loop into files of one form."""
    readers = {"numpy": _numpy_tokens, "hdf5": stored_in_hdf5, "parquet": stored_in_parquet}
    sites = [str(site) for site in range(n_sites)]
    words = [sys.executable, str(PROJECT / "benchmarks/peers/plain_loop.py"), "--model", str(model), "--text"]
    words += [str(text), "--into", str(into), "--form", form, "--sites", *sites]
    if form == "numpy":
        return Killable(words, into, _numpy_tokens)
    return Killable(words, into, lambda place: readers[form](place, n_sites - 1).n_tokens)


def saelens(python: str, text: Path, model: Path, into: Path, hook: str) -> Killable:
    """SAELens, one hook, the text in four buffers."""
    words = [python, str(PROJECT / "benchmarks/peers/saelens_runner.py"), "--model", str(model), "--text"]
    words += [str(text), "--into", str(into), "--buffers", "4", "--batch", "8", "--sites", hook]
    return Killable(words, into, lambda place: _saelens_tokens(place / hook))


def ours(text: Path, model: Path, folder: Path) -> Killable:
    """`actstore extract`, in one process without Ray."""
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY.format(model=model, text=text))
    words = [sys.executable, "-m", "jobs.cli", "extract", str(folder / "study.toml"), "--json"]
    words += ["--ray-address", "none"]
    return Killable(words, folder / "store", _our_tokens, goes_on=True)


def lost(name: str, make: Callable[[Path], Killable], folder: Path, n_tokens: int) -> dict[str, object]:
    """A row of the table."""
    whole = make(folder / "whole")
    subprocess.run(whole.words, cwd=PROJECT, capture_output=True, check=True)
    killed = make(folder / "killed")
    at_bytes = kill_half(killed, bytes_below(whole.into) // 2)
    try:
        found: int | str = killed.readable(killed.into)
    except (OSError, ValueError, KeyError, IndexError) as error:  # also h5py's, pyarrow's, and ours
        found = f"none ({type(error).__name__})"
    again = subprocess.run(killed.words, cwd=PROJECT, capture_output=True, text=True, check=False)
    n_kept = found if isinstance(found, int) and killed.goes_on else 0
    lines = again.stderr.strip().splitlines()
    return {
        "way": name,
        "MB on the disk": round(at_bytes / 1e6),
        "tokens that open": f"{found:,}" if isinstance(found, int) else found,
        "the same command again": "refuses" if again.returncode else "goes on" if n_kept else "starts anew",
        "tokens computed again": f"{n_tokens - n_kept:,} of {n_tokens:,}" if n_kept else "all",
        "says": lines[-1].replace(f"{folder}/", "")[:90].rstrip() if again.returncode and lines else "",
    }


def kill_half(way: Killable, at_bytes: int) -> int:
    """Kill a way once so many bytes lie there; returns how many there were then."""
    process = subprocess.Popen(way.words, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while _bytes(way.into) < at_bytes:
        if process.poll() is not None:
            raise RuntimeError(f"{way.words} ended before it could be killed")
        time.sleep(POLL_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return _bytes(way.into)


def _bytes(place: Path) -> int:
    """As `bytes_below`, of files that may go while they are counted."""
    try:
        return bytes_below(place)
    except FileNotFoundError:
        return 0


def _numpy_tokens(place: Path) -> int:
    """Without a torn file at the end, which does not open."""
    for path in sorted(place.iterdir())[::-1]:
        try:
            return stored_in_numpy(place, 0).n_tokens
        except (ValueError, EOFError):
            path.unlink()
    return 0


def _saelens_tokens(place: Path) -> int:
    """Of buffers whose data set opens."""
    import datasets

    n_tokens = 0
    for shard in sorted((place / ".tmp_shards").iterdir()):
        try:
            found = datasets.load_from_disk(str(shard))
        except (FileNotFoundError, ValueError):
            continue
        n_tokens += len(found) * len(found[0]["token_ids"]) if "token_ids" in found.column_names else 0
    return n_tokens


def _our_tokens(place: Path) -> int:
    """Of shards with receipts, of the one run there is."""
    objects = open_root(str(place))
    (run_id,) = objects.children("runs")
    return sum(receipt.n_tokens for receipt in read_receipts(objects, run_id).values())

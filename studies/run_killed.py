"""Runs a study twice, once with workers and drivers killed in between, and compares the content.

    python studies/run_killed.py [STUDY] --into FOLDER [--workers N] [--drivers N] [--actors N] [--seed N]

A worker is killed as soon as it has stored a shard, the driver with all it started a random moment after one;
where the study trains checkpoints, once more after the training's first record. Both stores are verified at
the end. Exit code 0 where both hold the same, whole and undamaged.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

LONGEST_LIFE_SECONDS = 3.0


def main(words: Sequence[str]) -> int:
    """Run both; 0 where they agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path, nargs="?", default=Path(__file__).with_name("six.toml"))
    parser.add_argument("--into", type=Path, required=True, help="folder of the two stores")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--drivers", type=int, default=2, help="drivers to kill")
    parser.add_argument("--actors", type=int, default=2, help="workers to kill")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(words)
    arguments.into.mkdir(parents=True, exist_ok=True)
    whole, killed = arguments.into / "undisturbed", arguments.into / "killed"
    started = time.perf_counter()
    wanted = contents(start(arguments.study, whole, arguments.workers).communicate()[0])
    between = time.perf_counter()
    chance = random.Random(arguments.seed)
    if tomllib.loads(arguments.study.read_text(encoding="utf-8")).get("finetune"):
        kill_driver(arguments.study, killed, arguments.workers, chance, records_of_training)
    for _ in range(arguments.drivers):
        kill_driver(arguments.study, killed, arguments.workers, chance, shards)
    found = contents(killing_workers(arguments.study, killed, arguments.workers, arguments.actors))
    sound = [subprocess.run(command("verify", store), check=False).returncode for store in (whole, killed)]
    same = wanted == found
    print(
        f"{between - started:.0f} s undisturbed, {time.perf_counter() - between:.0f} s with kills and verify"
    )
    print(f"sha256 of all runs' hashes: {digest(wanted)} undisturbed, {digest(found)} with kills")
    print(f"{len(wanted)} runs, content {'the same' if same else 'NOT the same'}; verify gave {sound}")
    return 0 if same and sound == [0, 0] else 1


def command(verb: str, *words: object) -> list[str]:
    """A command of this checkout."""
    return [sys.executable, "-m", "jobs.cli", verb, *map(str, words)]


def start(study: Path, store: Path, workers: str) -> "subprocess.Popen[str]":
    """The study's run in a process group of its own; it logs beside the store."""
    words = command("run", study, "--store", store, "--workers", workers, "--json", "--log", log_of(store))
    return subprocess.Popen(words, text=True, stdout=subprocess.PIPE, start_new_session=True)


def kill_driver(
    study: Path, store: Path, workers: str, chance: random.Random, done: Callable[[Path], Sequence[object]]
) -> None:
    """SIGKILL to the command and all it started, some time after the next of what is done."""
    known, process = len(done(store)), start(study, store, workers)
    while process.poll() is None and len(done(store)) <= known:
        time.sleep(0.02)
    time.sleep(chance.uniform(0.0, LONGEST_LIFE_SECONDS))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        print(
            f"killed the driver, {len(done(store)) - known} {done.__name__.replace('_', ' ')} later",
            file=sys.stderr,
        )
    process.communicate()


def killing_workers(study: Path, store: Path, workers: str, n_kills: int) -> str:
    """A run to its end; so many of its workers are killed, each once it has stored a shard."""
    begun, process, victims = len(shards(store)), start(study, store, workers), set[int]()
    while process.poll() is None and len(victims) < n_kills:
        for shard in shards(store)[begun:]:
            victim = int(shard["worker"].rpartition(":")[2])
            if victim not in victims and len(victims) < n_kills:
                victims.add(victim)
                os.kill(victim, signal.SIGKILL)
                print(f"killed worker {victim} after {shard['checkpoint']}", file=sys.stderr)
        time.sleep(0.02)
    return process.communicate()[0]


def shards(store: Path) -> list[dict[str, str]]:
    """Shards that were stored, as the log tells them; a line that is being written is left out."""
    if not log_of(store).exists():
        return []
    lines = log_of(store).read_text(encoding="utf-8").split("\n")[:-1]
    return [event for event in map(json.loads, lines) if event["event"] == "shard"]


def records_of_training(store: Path) -> list[Path]:
    """What trainings in progress have stored."""
    return [path for path in (store / "training").rglob("*") if path.is_file()]


def log_of(store: Path) -> Path:
    """Where a run into a store logs."""
    return store.with_suffix(".jsonl")


def contents(answer: str) -> dict[str, str]:
    """The hash of each run's content; ends the program where one is not complete."""
    runs = json.loads(answer)["runs"]
    if not all(run["complete"] for run in runs):
        sys.exit(f"not complete: {runs}")
    return {run["run_id"]: run["content_sha256"] for run in runs}


def digest(runs: dict[str, str]) -> str:
    """One hash for all runs and their content."""
    told = "".join(f"{run_id} {content}\n" for run_id, content in sorted(runs.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

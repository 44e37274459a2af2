"""Many runs: what `ls`, `plan` and going on cost with 10,000 checkpoints of 1,000 shards, half of it stored.

    python benchmarks/many_runs.py [--runs N] [--shards N] [--latency-ms MS] [--small] [--json]

The store is a bucket of an S3 server on loopback, behind a proxy that counts requests and makes each late.
Commands run as they are, in processes of their own; going on is timed to the first unit handed out.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

from common import parser, report, scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_up_runs import HALF_DONE, make_study, store_half

from tests.support.s3_proxy import Proxy, s3_proxy
from tests.support.s3_server import environment, s3_server, variables

PROJECT = Path(__file__).parents[1]
POLL_SECONDS = 0.02


def measured(what: str, words: list[str], folder: Path, proxy: Proxy) -> dict[str, object]:
    """Seconds, peak memory and requests of a command; what it says goes to a file."""
    proxy.requests.clear()
    begun = time.perf_counter()
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=PROJECT, stdout=said,
            env={**os.environ, **environment(proxy.endpoint), "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        peak_kib = 0
        while process.poll() is None:
            peak_kib = max(peak_kib, highest_kib(process.pid))
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise SystemExit(f"{words} ended with {process.returncode}")
    return {
        "what": what,
        "seconds": round(time.perf_counter() - begun, 1),
        "peak memory MiB": peak_kib >> 10,
        "LIST": sum(request.is_list for request in proxy.requests),
        "GET": sum(request.method == "GET" and not request.is_list for request in proxy.requests),
        "HEAD": proxy.count("HEAD"),
        "PUT": proxy.count("PUT"),
    }


def highest_kib(pid: int) -> int:
    """The most memory that a process has had so far; 0 once it is gone."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines() if Path(f"/proc/{pid}").exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--runs", type=int, default=10_000)
    made.add_argument("--shards", type=int, default=1_000)
    made.add_argument("--latency-ms", type=float, default=20.0)
    options = made.parse_args()
    if options.small:
        options.runs, options.shards = 600, 20
    with scratch(options.folder) as folder, s3_server() as server:
        url = server.url(uuid.uuid4().hex)
        study = make_study(folder, url, options.runs)
        with variables(server.environment):
            store_half(study, options.shards)
        with s3_proxy(server.endpoint) as proxy:
            proxy.latency_seconds = options.latency_ms / 1_000
            plan, going_on = ["-m", "jobs.cli", "plan", str(study)], ["benchmarks/first_unit.py", str(study)]
            rows = [
                measured("ls --json", ["-m", "jobs.cli", "ls", url, "--json"], folder, proxy),
                measured("plan", plan, folder, proxy),
                measured("plan --json", [*plan, "--json"], folder, proxy),
            ]
            missing = sum(run["n_missing"] for run in json.loads((folder / "said").read_text())["runs"])
            rows.append(measured("extract, to its first unit", going_on, folder, proxy))
        title = (
            f"{options.runs:,} checkpoints of {options.shards:,} shards, {HALF_DONE} runs half done, "
            f"{missing:,} shards missing; {options.latency_ms:g} ms a request"
        )
        print(report({title: rows}, folder, as_json=options.json))


if __name__ == "__main__":
    main()

"""`actstore submit STUDY --address ADDR`: the study as a Ray job, with its log followed to the end."""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from actstore.cluster.connect import OUR_PACKAGES, checkout
from actstore.errors import ClusterError, RequestError
from actstore.schema import content_id
from jobs.console import Console
from jobs.follow import tell_logs
from jobs.options import add_json, add_log, positive
from jobs.study.load import load_study
from jobs.upload import STUDY_FOLDER, Upload, gather

STAGES = ("run", "finetune", "extract", "analyse", "report")
RUNNING = ("PENDING", "RUNNING")
COMMAND_NOT_FOUND = 127
EXIT_CODES = {"SUCCEEDED": 0, "STOPPED": 1, "FAILED": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("study", metavar="STUDY", type=Path, help="study file (TOML)")
    parser.add_argument(
        "--address", metavar="ADDR", required=True, help="the cluster's jobs, such as http://head:8265"
    )
    parser.add_argument("--stage", choices=STAGES, default="run", help="what to do (default: run)")
    parser.add_argument("--store", metavar="URL", help="store, instead of the study's")
    parser.add_argument("--workers", metavar="N", type=positive, help="workers (default: as many as fit)")
    parser.add_argument("--threads", metavar="N", type=positive, default=1, help="threads of a worker")
    parser.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="a variable of the job; repeat it"
    )
    parser.add_argument(
        "--python", metavar="PATH", default="python", help="the cluster's interpreter (default: its `python`)"
    )
    parser.add_argument("--no-follow", action="store_true", help="do not wait for the end")
    parser.add_argument("--stop", action="store_true", help="stop the job of this study instead")
    add_log(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Submit, or join the job of the same study that runs already; returns the job's exit code."""
    variables = _variables(arguments.env)
    study = load_study(arguments.study, store=arguments.store, env={**os.environ, **variables})
    upload = gather(study, packages(), other_store=arguments.store is not None)
    client = connect(arguments.address)
    base = submission_id(arguments, upload)
    running, following = find(client, base)
    if arguments.stop:
        return _stop(client, running, base, console)
    name = running or following
    if running is None:
        console.remark(f"uploading {upload.told()}")
        metadata = {"study": arguments.study.name, "stage": arguments.stage}
        start(client, name, words_of(arguments, study.store), upload, variables, metadata)
    console.remark(f"job {name} {'runs already' if running else 'submitted'} at {arguments.address}")
    return _follow(client, name, arguments, console)


def packages() -> list[Path]:
    """Our packages' folders where they are not installed: the cluster gets them with the job."""
    folder = checkout()
    return [] if folder is None else [folder / name for name in OUR_PACKAGES]


def submission_id(arguments: argparse.Namespace, upload: Upload) -> str:
    """The same for the same study, command and code: submitting twice is submitting once."""
    contents = {place: content_id(path.read_bytes().hex()) for place, path in upload.files.items()}
    chosen = [
        arguments.stage, arguments.store, arguments.workers, arguments.threads, arguments.python,
        sorted(arguments.env),
    ]  # fmt: skip
    return f"actstore-{arguments.study.stem}-{content_id([contents, chosen])[:10]}"


def find(client: Any, base: str) -> tuple[str | None, str]:
    """The running job of an id, None where none runs; and the id that the next one gets."""
    numbers = {}
    for job in client.list_jobs():
        name = job.submission_id or ""
        number = name.removeprefix(f"{base}-")
        if name.startswith(f"{base}-") and number.isdigit():
            numbers[int(number)] = str(getattr(job.status, "value", job.status))
    running = [number for number, status in numbers.items() if status in RUNNING]
    return (f"{base}-{max(running)}" if running else None), f"{base}-{max(numbers, default=0) + 1}"


def words_of(arguments: argparse.Namespace, store: str) -> list[str]:
    """The command that the cluster runs."""
    words = [arguments.python, "-m", f"jobs.{arguments.stage}", f"{STUDY_FOLDER}/{arguments.study.name}"]
    if arguments.store is not None:
        words += ["--store", store]
    if arguments.stage != "report":
        words += ["--threads", str(arguments.threads)]
        words += [] if arguments.workers is None else ["--workers", str(arguments.workers)]
    if arguments.log is not None and arguments.stage in ("run", "extract"):
        words += ["--log", arguments.log]
    return words


def start(  # noqa: PLR0917  the parts of one job, used twice
    client: Any,
    name: str,
    words: list[str],
    upload: Upload,
    variables: dict[str, str],
    metadata: dict[str, str],
) -> None:
    """Send the files and start the command."""
    with tempfile.TemporaryDirectory(prefix="actstore-submit-") as folder:
        upload.copy_to(Path(folder))
        client.submit_job(
            entrypoint=shlex.join(words),
            submission_id=name,
            runtime_env={"working_dir": folder, "env_vars": variables},
            metadata=metadata,
        )


def connect(address: str) -> Any:
    """A client of the cluster's jobs. Raises ClusterError where none answers."""
    from ray.job_submission import JobSubmissionClient

    if not address.startswith(("http://", "https://")):
        raise ClusterError(
            f"--address {address!r}: the address of jobs is http://HOST:PORT, by default port 8265"
        )
    try:
        return JobSubmissionClient(address)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"no Ray jobs at {address}: {error}; start the head with `ray start --head "
            "--dashboard-host 0.0.0.0`, and give its host and port 8265"
        ) from error


def _follow(client: Any, name: str, arguments: argparse.Namespace, console: Console) -> int:
    again = f"actstore submit {arguments.study} --address {arguments.address}"
    if arguments.no_follow:
        console.remark(f"`{again}` follows it, with --stop it ends")
        console.answer({"job": name, "status": "RUNNING"})
        return 0
    try:
        tell_logs(client, name)
    except KeyboardInterrupt:
        console.remark(
            f"no longer following; job {name} goes on. The same command follows it again; `{again} --stop` "
            "ends it, what is finished stays stored, and submitting again goes on from there"
        )
        return 130
    details = client.get_job_info(name)
    status = str(getattr(details.status, "value", details.status))
    code = details.driver_exit_code if status == "FAILED" else EXIT_CODES.get(status, 1)
    console.remark(f"job {name}: {status.lower()}" + (f", {details.message}" if status == "FAILED" else ""))
    if status == "FAILED" and _wrong_python(code, str(details.message)):
        console.remark(
            f"the cluster's `{arguments.python}` has not what actstore needs: name the interpreter that has "
            "it with --python, or install actstore's dependencies on every node"
        )
    console.answer({"job": name, "status": status, "exit_code": code})
    return EXIT_CODES["FAILED"] if code is None else int(code)


def _wrong_python(code: int | None, message: str) -> bool:
    return code == COMMAND_NOT_FOUND or "ModuleNotFoundError" in message


def _stop(client: Any, running: str | None, base: str, console: Console) -> int:
    if running is None:
        raise RequestError(f"no job {base} runs there; nothing was stopped")
    client.stop_job(running)
    console.remark(f"job {running} is told to stop; what is finished stays stored")
    console.answer({"job": running, "status": "STOPPED"})
    return 0


def _variables(given: list[str]) -> dict[str, str]:
    wrong = [text for text in given if "=" not in text or text.startswith("=")]
    if wrong:
        raise RequestError(f"--env {wrong[0]!r}: it is written NAME=VALUE")
    return dict(text.split("=", 1) for text in given)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("submit"))

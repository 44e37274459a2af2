"""The Dockerfile: the rules of a linter that matter here. No engine has built it."""

import re
from pathlib import Path

import ray

ROOT = Path(__file__).parents[3]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text()).splitlines()
INSTRUCTIONS = [line for line in LINES if line and not line.startswith("#")]


def stages() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in INSTRUCTIONS:
        if match := re.fullmatch(r"FROM (\S+) AS (\w+)", line):
            name = match[2]
        found.setdefault(name, []).append(line)
    return found


def words(kind: str, lines: list[str] = INSTRUCTIONS) -> list[str]:
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{kind} ")]


def test_bases_have_a_version() -> None:
    """hadolint DL3006, DL3007."""
    images = [argument for argument in words("ARG", stages()[""]) if "IMAGE=" in argument]
    assert len(images) == 2
    for image in images:
        assert re.search(r":[\w.-]*\d+\.\d+", image)
        assert not image.endswith(":latest")
    for base in words("FROM"):
        assert re.match(r"\$\{(PYTHON|CUDA)_IMAGE\} AS", base)


def test_targets_end_as_a_user_without_rights() -> None:
    """DL3002."""
    for target in ("cpu", "cuda"):
        assert words("USER", stages()[target]) == ["1000"]
        assert "--uid 1000" in " ".join(words("RUN", stages()[target]))


def test_package_managers_leave_no_caches() -> None:
    """DL3008 asks for versions too, which vanish from Debian's mirrors; so the base is pinned instead."""
    for run in words("RUN"):
        for part in filter(lambda part: part.strip().startswith("pip "), run.split("&&")):
            assert "--no-cache-dir" in part, part
        if "apt-get install" in run:
            assert "apt-get update" in run
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists/*" in run


def test_pipes_fail_and_commands_are_lists() -> None:
    """DL4006, DL3025; no sudo (DL3004), no ADD of what COPY can (DL3020), absolute WORKDIR (DL3000)."""
    for target in ("cpu", "cuda"):
        assert words("SHELL", stages()[target]) == ['["/bin/bash", "-o", "pipefail", "-c"]']
    assert all(command.startswith("[") for command in words("CMD") + words("ENTRYPOINT"))
    assert not words("ADD")
    assert not any("sudo" in run for run in words("RUN"))
    assert all(place.startswith("/") for place in words("WORKDIR"))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in words("COPY", stages()["wheel"]):
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in kept


def test_versions_and_ports_are_the_codes() -> None:
    serve = (ROOT / "jobs" / "serve.py").read_text()
    ports = {int(port) for exposed in words("EXPOSE") for port in exposed.split()}
    assert {int(port) for port in re.findall(r"default=(\d{4})\b", serve)} <= ports
    text = "\n".join(INSTRUCTIONS)
    assert re.findall(r"ray\[default\]==([\d.]+)", text) == [ray.__version__] * 2
    makefile = (ROOT / "Makefile").read_text()
    (torch,) = re.findall(r"^TORCH \?= (\S+)", makefile, re.MULTILINE)
    assert re.findall(r"ARG TORCH=(\S+)", text) == [torch] * 2

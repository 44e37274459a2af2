"""Packages of somebody else's: installed into a folder by pip, or as pip leaves them in this process."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.commands import ROOT, environment

PLUGINS = ROOT / "tests" / "plugins"


def install(name: str, folder: Path) -> dict[str, str]:
    """Build and install a package of tests/plugins with pip; the variables of a process that sees it."""
    shutil.copytree(PLUGINS / name, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    site = folder / "site"
    words = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(site), str(folder / "source")]
    subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True, capture_output=True)
    variables = environment()
    variables["PYTHONPATH"] = f"{site}:{variables['PYTHONPATH']}"
    return variables


def seen_here(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's modules and entry points in this process, without pip, until the test ends."""
    about = tomllib.loads((PLUGINS / name / "pyproject.toml").read_text())
    project = about["project"]
    for module in about["tool"]["setuptools"]["py-modules"]:
        shutil.copy(PLUGINS / name / f"{module}.py", folder)
    entries = project["entry-points"]
    points = {
        group: "".join(f"{point} = {value}\n" for point, value in found.items())
        for group, found in entries.items()
    }
    register(folder, project["name"], points, monkeypatch)


def register(folder: Path, package: str, points: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points by group, as an installed package of that name has them."""
    info = folder / f"{package.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{lines}" for group, lines in points.items()))
    monkeypatch.syspath_prepend(str(folder))

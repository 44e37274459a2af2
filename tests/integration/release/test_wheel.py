"""The wheel: what is in it and what is not; installed elsewhere it is typed, and its command works."""

import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

import actstore
from jobs.study.load import load_study
from tests.support.commands import ROOT
from tests.support.tiny_models import make_tiny_model

pytestmark = pytest.mark.slow
USER = '''"""A user's script."""
import actstore
from actstore.schema.analysis import AnalysisKind

reveal_type(actstore.open)
AnalysisKind(about="x", version="1", of="pairs", measure=lambda sample, options: {}, metrics=("a",))
'''


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git would give to a stranger, in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "actstore", "analyses", "jobs",
         "pyproject.toml", "README.md", "LICENSE", "studies"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    words = [
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        folder,
        folder / "source",
    ]
    subprocess.run([sys.executable, "-m", "pip", *map(str, words)], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed into a folder outside the repository."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    words = ["install", "--quiet", "--no-deps", "--target", folder, wheel]
    subprocess.run([sys.executable, "-m", "pip", *map(str, words)], check=True, capture_output=True)
    return folder


@pytest.fixture
def names(wheel: Path) -> Iterator[set[str]]:
    with zipfile.ZipFile(wheel) as opened:
        yield set(opened.namelist())


def test_everything_that_runs_is_in_it_and_nothing_else(names: set[str]) -> None:
    packages = [ROOT / name for name in ("actstore", "analyses", "jobs")]
    modules = {str(path.relative_to(ROOT)) for package in packages for path in package.rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert {f"{package.name}/py.typed" for package in packages} <= names
    pages = ROOT / "actstore" / "serve" / "pages"
    shown = {
        str(path.relative_to(ROOT)) for part in ("templates", "static") for path in (pages / part).iterdir()
    }
    assert shown <= names
    assert not [name for name in names if re.search(r"safetensors|^(tests|models|studies|docs|build)/", name)]
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        package.name for package in packages
    }


def test_its_metadata(wheel: Path, names: set[str]) -> None:
    info = f"actstore-{actstore.__version__}.dist-info"
    assert f"{info}/licenses/LICENSE" in names
    with zipfile.ZipFile(wheel) as opened:
        about = Parser().parsestr(opened.read(f"{info}/METADATA").decode())
        points = opened.read(f"{info}/entry_points.txt").decode()
    assert (about["Name"], about["Version"]) == ("actstore", actstore.__version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    assert {"serve", "replicas", "topology", "xarray", "datasets"} <= set(about.get_all("Provides-Extra", []))
    assert "actstore = jobs.cli:main" in points
    assert "[zarr.data_type]\nbfloat16 = actstore.store.bfloat16:BFloat16" in points


def test_it_is_typed_for_its_users(site: Path, tmp_path: Path) -> None:
    """mypy takes types from what is installed where the package says that it has them."""
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv").glob("lib/*/site-packages")
    for name in ("actstore", "analyses", "jobs"):
        (packages / name).symlink_to(site / name)
    (tmp_path / "user.py").write_text(USER)
    words = ["--python-executable", tmp_path / "venv" / "bin" / "python", "--config-file", "", "user.py"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, words)],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.stdout
    short = re.sub(r"builtins\.|actstore\.(?:\w+\.)+", "", told)
    assert re.search(
        r"def \(url: str, \*, token: .*\) -> (Store \| RemoteStore|Union\[Store, RemoteStore\])", short
    )
    assert 'Argument "version" to "AnalysisKind" has incompatible type "str"; expected "int"' in told
    assert "py.typed" not in told


def test_its_command_works_outside_the_repository(site: Path, tmp_path: Path) -> None:
    """`init`, `run` and `sql` of a user who has the wheel, a model and a text."""
    make_tiny_model(tmp_path / "base", "bert", seed=0)
    (tmp_path / "notes.txt").write_text("the cat sat\nthe dog ran on the mat\n" * 4)
    command = [sys.executable, "-P", str(site / "bin" / "actstore")]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "actstore" in run("--help")
    run("init", "my.toml", "--checkpoint", "base=./base", "--corpus", "notes=notes.txt")
    run("extract", "my.toml", "--ray-address", "none")
    study = load_study(tmp_path / "my.toml")
    assert "base" in run("sql", study.store, "SELECT checkpoint, complete FROM runs")

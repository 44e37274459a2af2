"""Other programs that store activations, each run by the Python of an environment of its own."""

import json
import subprocess
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SCRIPTS = Path(__file__).with_name("peers")
OF_THEIR_OWN = {"transformerlens": "transformer-lens", "saelens": "sae-lens", "neurox": "neurox"}
"""Distributions by the option that names their Python."""
BESIDE_US = ("h5py", "pyarrow", "scikit-learn", "rsatoolbox", "ckatorch")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer tells of one run."""

    seconds: float
    """Without starting Python, loading the model and the first forward."""
    n_tokens: int
    n_bytes: int
    version: str


def ask(
    python: str, script: str, model: Path, text: Path, into: Path, hooks: Sequence[str], *more: str
) -> Answer:
    """Run a peer's script. Raises SystemExit with the end of what it wrote where it fails."""
    words = [python, str(SCRIPTS / script), "--model", str(model), "--text", str(text), "--into", str(into)]
    done = subprocess.run([*words, *more, "--sites", *hooks], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Answer(**json.loads(done.stdout.strip().rpartition("\n")[2]))


def saelens_hooks(n_layers: int) -> list[str]:
    """The embeddings' sum and what each block gives, by the names of Hugging Face's GPT-2."""
    return ["transformer.drop", *(f"transformer.h.{layer}" for layer in range(n_layers))]


def transformerlens_hooks(n_layers: int) -> list[str]:
    """The same places in TransformerLens' words."""
    return ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(n_layers))]


def there(options: Namespace) -> list[dict[str, object]]:
    """A row a peer: its version, or that it is not there.

    Raises SystemExit where a Python was named that has it not.
    """
    rows: list[dict[str, object]] = []
    for option, package in OF_THEIR_OWN.items():
        python = getattr(options, option)
        told = (
            _version_by(python, package) if python else f"not there: --{option} names no Python that has it"
        )
        rows.append({"peer": package, "version": told, "environment": "of its own"})
    for package in BESIDE_US:
        try:
            told = version(package)
        except PackageNotFoundError:
            told = f"not there: pip install {package}"
        rows.append({"peer": package, "version": told, "environment": "ours"})
    return rows


def _version_by(python: str, package: str) -> str:
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(
            f"{python}: {error.strerror}; give the Python of an environment with {package}"
        ) from error
    if done.returncode:
        raise SystemExit(f"{python} has no {package}; install it there, or leave the option out")
    return done.stdout.strip()

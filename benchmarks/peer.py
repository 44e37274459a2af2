"""Other programs that store activations, each run by the Python of an environment of its own."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).with_name("peers")


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

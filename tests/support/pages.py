"""Pages of the repository as what can be run: their code blocks, in order, with their titles."""

import re
import shlex
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *(ROOT / "deploy").rglob("*.md"), *DOCS.rglob("*.md"))
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<raw>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="(?P<title>[^"]*)"')
MEASURED = "minutes of measurement on a machine that does nothing else; the script and its options are there"
SHOWN = {
    ("README.md", "make quickstart"): "two minutes; its steps are asked of make, its study is planned",
    ("SECURITY.md", "pip install pip-audit"): "asks a data base of advisories, which is out of reach here",
    ("deploy/README.md", "kubectl apply"): "there is no Kubernetes here; the manifests are held to schemas",
    ("deploy/air-gapped.md", "pip wheel"): "fetches everything; the wheel alone is built by a test",
    ("docs/benchmarks/extraction.md", "python -m venv"): "installs other projects; " + MEASURED,
    ("docs/benchmarks/objects.md", "python benchmarks/objects.py"): MEASURED,
    ("docs/benchmarks/objects.md", "python benchmarks/many_runs.py"): MEASURED,
    ("docs/benchmarks/peers.md", "python -m venv"): "installs other projects; " + MEASURED,
    ("docs/benchmarks/storage.md", "python benchmarks/storage.py"): MEASURED,
    ("docs/guards.md", "make guards"): "half an hour; the runner and its lists have tests",
    ("docs/quality.md", "make mutants"): "forty minutes; the runner and its lists have tests",
    ("docs/quality.md", "make coverage"): "the tests once more, twice as slow",
    ("docs/howto/finetune.md", "actstore report studies/finetune-medium.toml"): "hours of training go before",
    ("docs/howto/label_sets.md", "actstore plan studies/edge_tasks.toml"): "eight data sets to read",
    ("docs/howto/paper.md", "export ACTSTORE_DATA"): "13 minutes; its studies are read by tests",
    ("docs/howto/serve.md", "server {"): "another program's configuration: no proxy is installed here",
    ("docs/reference/python.md", "ActstoreError"): "a drawing, compared with the code",
    ("docs/results/README.md", "actstore report studies/finetune-medium"): "hours of training go before",
    ("docs/results/README.md", "actstore report studies/merchant2020"): "a night of work goes before",
    ("docs/scale.md", "python benchmarks/scale.py"): MEASURED,
}  # fmt: skip
"""Blocks that no test runs, by page and beginning, and why; their commands are read by the real parsers."""

APART = {("docs/howto/serve.md", "export ACTSTORE_TOKEN"): "tests/integration/docs/test_cluster_pages.py"}
"""Blocks that a test of their own runs by `apart`, as they need more than the rest of their page."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    language: str
    title: str
    text: str
    line: int

    @property
    def commands(self) -> list[list[str]]:
        """A shell block's lines as words, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        words = [shlex.split(line, comments=True) for line in lines]
        return [line for line in words if line]

    def is_in(self, listed: Iterable[tuple[str, str]]) -> bool:
        """Whether it is one of the blocks listed by page and beginning."""
        return any(page == self.page and self.text.startswith(begin) for page, begin in listed)

    @property
    def is_shown(self) -> bool:
        """Whether it is one of those that no test runs."""
        return self.is_in(SHOWN)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, by its path below the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        title = TITLE.search(match["info"])
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Block(
                page, match["language"], title["title"] if title else "", textwrap.dedent(match["raw"]), line
            )
        )
    return found


def walk(page: str, run: Callable[[Block], None]) -> None:
    """Run every block of a page in order, but for those that are only shown; `run` refuses what it can not.

    tests/architecture/test_pages.py holds that every page with blocks to run is walked by some test.
    """
    left = [block for block in blocks(page) if not block.is_in((*SHOWN, *APART))]
    assert left, f"{page} has nothing to run"
    for block in left:
        run(block)


def apart(page: str, begin: str) -> Block:
    """The block of a page that is run apart from the others."""
    (found,) = [block for block in blocks(page) if block.is_in([(page, begin)]) and block.is_in(APART)]
    return found


def links(page: str) -> list[str]:
    """Where a page's relative links lead, without anchors."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.partition("#")[0] for target in targets if "://" not in target and target[0] != "#"]

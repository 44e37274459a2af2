"""The site as it is built: complete, whole in itself, and its references those of the code."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import actstore
from actstore import errors
from analyses.similarity.measures import MEASURES
from analyses.tuning.settings import TASKS
from jobs.cli import VERBS
from tests.support.pages import DOCS
from website import http_api, repository

ROOT = DOCS.parent
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
pytest.importorskip("mkdocs")
pytestmark = pytest.mark.slow


class _Loads(HTMLParser):
    """What a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get(LOADS[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder


def article(site: Path, page: str) -> str:
    text = (site / page).read_text()
    return text[text.index("<article") : text.index("</article>")]


def test_every_page_is_in_the_site(site: Path) -> None:
    for path in DOCS.rglob("*.md"):
        built = path.relative_to(DOCS).with_suffix(".html")
        built = built.with_name("index.html") if path.name == "README.md" else built
        assert (site / built).exists(), built


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        loads = _Loads()
        loads.feed(page.read_text())
        assert not [url for url in loads.found if re.match(r"(https?:)?//", url)], page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", style.read_text()), style


def test_lists_and_tables_are_lists_and_tables(site: Path) -> None:
    """Markdown of the site wants an empty line before a list where other Markdown does not."""
    for page in site.rglob("*.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", page.read_text(), re.DOTALL):
            assert not re.search(r"^(\* |- |\d+\. |\||```)", paragraph, re.MULTILINE), (page, paragraph[:200])


def test_the_command_line_is_told(site: Path) -> None:
    page = article(site, "reference/cli.html")
    for verb in VERBS:
        assert f'<h2 id="{verb}">' in page
    assert "--recompute" in page
    assert "--ray-address" in page


def test_every_route_is_told(site: Path) -> None:
    page = article(site, "reference/http.html")
    routes = http_api.description()["paths"]
    assert "/v1/query" in routes
    for path, methods in routes.items():
        for method in methods:
            assert f"{method.upper()} {path}" in page


def test_the_public_names_and_errors_are_told(site: Path) -> None:
    page = article(site, "reference/python.html")
    for name in ("Run", "Store", "open"):
        assert re.search(
            rf'<h3 id="actstore\.[\w.]*{name}" [^>]*>.{{0,400}}?actstore\.{name}\s', page, re.DOTALL
        )
    for name, item in vars(errors).items():
        if isinstance(item, type) and issubclass(item, errors.ActstoreError):
            assert f'id="actstore.errors.{name}"' in page
    for name in ("Query", "Nearest", "Block"):
        assert f'id="actstore.schema.query.{name}"' in page


def test_the_methods_page_has_every_measure_and_task() -> None:
    told = (DOCS / "methods.md").read_text()
    for name in [*MEASURES, *TASKS]:
        assert f"`{name}`" in told or f"\n    {name} " in told, name


def test_the_names_that_versions_promises_are_those_that_are_exported() -> None:
    promised = (DOCS / "versions.md").read_text().split("## Python")[1].split("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", promised, re.MULTILINE)) == set(actstore.__all__)


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## (\S+?)[,\s]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == actstore.__version__


def test_links_into_the_repository_come_along(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "a.toml").write_text("x = 1\n")
    (tmp_path / "NOTES.md").write_text(
        "[a](studies/a.toml) [page](docs/b.md#part) [web](https://example.org)\n"
    )
    page = "[notes](../../NOTES.md) [beside](other.md)"
    added = repository.needed(tmp_path, {"docs/howto/page.md": page})
    assert repository.relinked(page, "docs/howto/page.md") == (
        "[notes](../repository/NOTES.md) [beside](other.md)"
    )
    assert added.keys() == {"repository/NOTES.md", "repository/studies/a.toml.md"}
    assert added["repository/NOTES.md"] == (
        "[a](studies/a.toml.md) [page](../b.md#part) [web](https://example.org)\n"
    )
    assert "x = 1" in added["repository/studies/a.toml.md"]
    with pytest.raises(FileNotFoundError, match=r"nothing\.py"):
        repository.needed(tmp_path, {"docs/a.md": "[x](../nothing.py)"})

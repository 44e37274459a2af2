"""Events of the site's build: pages that code knows are made by it, links into the repository are kept."""

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from website import command_line, http_api, repository

ROOT = Path(__file__).parents[1]
GENERATED = {
    "<!-- the commands -->": command_line.reference,
    "<!-- the routes -->": http_api.reference,
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A folder in the navigation stands for its pages that are not named before it."""
    if config.nav is not None:
        config.nav = _expanded(config.nav, Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what pages link to outside of docs/."""
    pages = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    nav = "".join(f"[]({path})" for path in _outside(config.nav))
    try:
        added = repository.needed(ROOT, {**pages, "docs/nav": nav})
    except FileNotFoundError as error:
        raise PluginError(str(error)) from None
    for path, text in added.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put generated parts and links in."""
    for mark, reference in GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, reference())
    if page.file.generated_by:
        return markdown
    return repository.relinked(markdown, f"docs/{page.file.src_uri}")


def _expanded(nav: Any, docs: Path) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(item, docs) for title, item in nav.items()}
    if not isinstance(nav, list):
        return nav
    named = set(_paths(nav))
    entries: list[Any] = []
    for item in nav:
        if isinstance(item, str) and item.endswith("/"):
            found = sorted(str(path.relative_to(docs).as_posix()) for path in (docs / item).glob("*.md"))
            entries += [path for path in found if path not in named]
        else:
            entries.append(_expanded(item, docs))
    return entries


def _paths(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    items = nav.values() if isinstance(nav, dict) else nav or []
    return [path for item in items for path in _paths(item)]


def _outside(nav: Any) -> list[str]:
    """Pages of the navigation that are files of the repository, as links from docs/."""
    folder = f"{repository.FOLDER}/"
    return [f"../{path.removeprefix(folder)}" for path in _paths(nav) if path.startswith(folder)]

"""Files of the repository that pages link to: they come along as pages of the site, which needs no host."""

import os.path
import re
from pathlib import Path, PurePosixPath

LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
FOLDER = "repository"
LANGUAGES = {
    ".toml": "toml", ".py": "python", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".sh": "bash",
}  # fmt: skip


def site_path(path: str) -> str:
    """Where a file of the repository is in the site: `docs/a.md` is `a.md`, others lie in one folder."""
    inside = PurePosixPath(path)
    if inside.parts[0] == "docs":
        return str(inside.relative_to("docs"))
    return f"{FOLDER}/{path}" if inside.suffix == ".md" else f"{FOLDER}/{path}.md"


def linked(text: str, page: str) -> list[str]:
    """The files that a page, named by its path in the repository, links to by relative links."""
    return [_resolve(page, match["target"]) for match in LINK.finditer(text)]


def relinked(text: str, page: str) -> str:
    """The page's text with its links as the site has them. Those within docs/ stay as they are."""

    def as_in_site(match: re.Match[str]) -> str:
        target = _resolve(page, match["target"])
        if page.startswith("docs/") and target.startswith("docs/"):
            return match[0]
        begin = str(PurePosixPath(site_path(page)).parent)
        return os.path.relpath(site_path(target), begin) + (match["anchor"] or "")

    return LINK.sub(as_in_site, text)


def needed(root: Path, pages: dict[str, str]) -> dict[str, str]:
    """The pages to add, by place in the site, so that every link of `pages` (texts by path) leads somewhere.

    Raises FileNotFoundError for a link to nothing.
    """
    added: dict[str, str] = {}
    left = dict(pages)
    while left:
        page, text = left.popitem()
        for target in linked(text, page):
            if target.startswith("docs/") or site_path(target) in added:
                continue
            if not (root / target).exists():
                raise FileNotFoundError(f"{page} links to {target}: there is no such file")
            told = as_page(root, target)
            added[site_path(target)] = relinked(told, target)
            if target.endswith(".md"):
                left[target] = told
    return added


def as_page(root: Path, path: str) -> str:
    """A file as a page: Markdown as it is, a folder as its list, else its text as a block of code."""
    place = root / path
    if place.is_dir():
        names = sorted(item.name for item in place.iterdir() if not item.name.startswith((".", "_")))
        return "\n".join([f"# {path}", "", *(f"* `{name}`" for name in names), ""])
    text = place.read_text(encoding="utf-8")
    if place.suffix == ".md":
        return text
    language = LANGUAGES.get(place.suffix, "text")
    return f"# {path}\n\n````{language}\n{text.rstrip()}\n````\n"


def _resolve(page: str, target: str) -> str:
    return os.path.normpath(PurePosixPath(page).parent / target)

"""Figure: a Vega-Lite description and its drawings, the same bytes each time. Knows no place on disk."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from analyses.figures.theme import config

PNG_SCALE = 2.0
PAGE_HEAD = """<head>
    <title>{title}</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
      body {{ margin: 0; overflow-x: auto; }}
      .vega-embed svg.marks {{ max-width: 100%; min-width: 30rem; height: auto; }}
    </style>"""
"""A drawing shrinks with its window down to what can be read, then the page scrolls."""
_NUMBERED = re.compile(r"\b(clip|gradient_)(\d+)\b")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that can be drawn."""

    spec: dict[str, Any]
    """Vega-Lite, with its data."""

    def svg(self) -> str:
        """Vector drawing; text stays text."""
        drawn: str = vl_convert.vegalite_to_svg(self.spec, vl_version=_vl_version())
        return _renumbered(drawn)

    def png(self, scale: float = PNG_SCALE) -> bytes:
        """Pixels, for slides and README files."""
        pixels: bytes = vl_convert.svg_to_png(self.svg(), scale=scale)
        return pixels

    def html(self) -> str:
        """Interactive page that holds everything it needs: it opens without a network."""
        page: str = vl_convert.vegalite_to_html(
            self.spec, vl_version=_vl_version(), bundle=True, renderer="svg"
        )
        return page.replace("<head>", PAGE_HEAD.format(title=html.escape(_title(self.spec))), 1).replace(
            "<title>Chart</title>", "", 1
        )

    def files(self, stem: str) -> dict[str, bytes]:
        """The three drawings by file name."""
        return {
            f"{stem}.svg": self.svg().encode(),
            f"{stem}.png": self.png(),
            f"{stem}.html": self.html().encode(),
        }


def figure(chart: Any) -> Figure:
    """A Figure of an Altair chart, in the look of the project."""
    return Figure(chart.configure(**config()).to_dict())


def _title(spec: Mapping[str, Any]) -> str:
    """The figure's title."""
    title = spec.get("title", "")
    return str(title["text"] if isinstance(title, Mapping) else title)


def _vl_version() -> str:
    """The version of Vega-Lite that Altair describes, as vl-convert names it."""
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    return f"{major}.{minor}"


def _renumbered(svg: str) -> str:
    """Ids counted from 0: the renderer counts them through all it ever drew."""
    seen: dict[str, str] = {}

    def new(match: re.Match[str]) -> str:
        return seen.setdefault(match.group(0), f"{match.group(1)}{len(seen)}")

    return _NUMBERED.sub(new, svg)

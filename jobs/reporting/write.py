"""write_report: the page and the Markdown of a study's finished results, in a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actstore.errors import AccessError
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from analyses.report import TextTable
from jobs.reporting.content import content_of
from jobs.reporting.cost import cost_of
from jobs.reporting.judge import findings, has_exhibits, models_of
from jobs.reporting.markdown import markdown_page
from jobs.reporting.page import html_page
from jobs.reporting.section import figure_files, points_of, section_of
from jobs.study.study import Study

Shown = tuple[ResultWriter, Mapping[str, Any], tuple[TextTable, ...]]


def write_report(
    study: Study, objects: Objects, shown: Sequence[Shown], missing: Mapping[str, str], folder: Path
) -> tuple[Path, Path]:
    """Write STUDY-report.html, .md and the .md's figures, over those that are there. Raises AccessError.

    `missing`: names of analyses that are not finished, and what to do.
    """
    sections = [section_of(*one) for one in shown]
    models = models_of(study, objects)
    points = [table for writer, _, _ in shown if (table := points_of(writer)) is not None]
    content = content_of(
        study,
        sections,
        findings(sections, models) if has_exhibits(sections) else [],
        cost_of(objects, sections, points, models.n_layers),
        missing,
    )
    page, text = (folder / f"{study.name}-report{suffix}" for suffix in (".html", ".md"))
    figures = folder / f"{study.name}-report"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(html_page(content), encoding="utf-8")
        text.write_text(markdown_page(content, figures.name), encoding="utf-8")
        for section in sections:
            for name, figure in figure_files(section):
                figures.mkdir(exist_ok=True)
                (figures / name).write_bytes(figure)
    except OSError as error:
        raise AccessError(
            f"{error.filename} can not be written: {error.strerror}; name a folder with --into"
        ) from error
    return page, text

"""html_page: a study's report as one HTML file that holds everything it needs. Decides nothing."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from analyses.paper.finding import MISSING, Finding
from analyses.report import TextTable
from jobs.reporting.about import counted_verdicts
from jobs.reporting.content import Content
from jobs.reporting.judge import exhibit_of, findings_of
from jobs.reporting.section import Section
from jobs.reporting.style import STYLE


def html_page(content: Content) -> str:
    """The whole page."""
    parts = [
        f"<h1>{escape(content.title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in content.intro),
        *_summary(content.findings),
        "<h2>What it cost, and what the store saved</h2>",
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in content.cost) + "</ul>",
        *(part for section in content.sections for part in _section(section, content.findings)),
        *_missing(content.missing),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(content.title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _summary(findings: Sequence[Finding]) -> list[str]:
    """The paper's statements with their verdicts."""
    if not findings:
        return []
    there = [one for one in findings if one.verdict != MISSING]
    lacking = "".join(
        f"<li>{escape(one.exhibit)}: {escape(one.statement)} <small>{escape(one.reason)}</small></li>"
        for one in findings
        if one.verdict == MISSING
    )
    rows = "".join(
        f"<tr><td>{escape(one.exhibit)}</td><td>{escape(one.statement)}</td><td>{escape(one.ours)}</td>"
        f'<td><span class="verdict {one.verdict.replace(" ", "-")}">{one.verdict}</span>'
        f"<small>{escape(one.reason)}</small></td></tr>"
        for one in there
    )
    head = "<tr><th>Exhibit</th><th>The paper says</th><th>Here</th><th>Verdict</th></tr>"
    return [
        f"<h2>The paper's statements</h2><p>{escape(counted_verdicts(findings))}</p>",
        f'<div class="wide"><table class="findings"><thead>{head}</thead><tbody>{rows}</tbody></table></div>',
        f"<details><summary>Not there yet</summary><ul>{lacking}</ul></details>" if lacking else "",
    ]


def _section(section: Section, findings: Sequence[Finding]) -> list[str]:
    exhibit = exhibit_of(section)
    title = f"{exhibit}: {section.name}" if exhibit else f"{section.kind} {section.name}"
    told = findings_of(section, findings)
    said = "".join(f"<li>{escape(one.statement)} <b>{one.verdict}</b></li>" for one in told)
    figures = "".join(
        f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{b64encode(figure).decode()}">'
        for figure in section.figures
    )
    return [
        f"<section><h2>{escape(title)}</h2><p>{escape(section.about)}</p>",
        f'<ul class="said">{said}</ul>' if said else "",
        f"<figure>{figures}</figure>" if figures else "",
        *(_table(text) for text in section.texts),
        _provenance(section),
        "</section>",
    ]


def _table(text: TextTable) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in text.headers)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in text.rows
    )
    body = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<details><summary>{escape(text.title)}</summary>{body}</details>"


def _provenance(section: Section) -> str:
    facts = [
        f"result {section.kind}/{section.name}/{section.result_id}",
        section.made,
        *(f"run {run_id}: {name}" for name, run_id in section.runs.items()),
    ]
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f"<details><summary>Where these numbers are from</summary><ul>{listed}</ul></details>"


def _missing(missing: Sequence[tuple[str, str]]) -> list[str]:
    if not missing:
        return []
    lines = "".join(f"<li><b>{escape(name)}</b>: {escape(reason)}</li>" for name, reason in missing)
    return [f"<h2>Not finished</h2><ul>{lines}</ul>"]

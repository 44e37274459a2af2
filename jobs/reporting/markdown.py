"""markdown: a study's report as Markdown, its figures in a folder beside it."""

from urllib.parse import quote

from analyses.paper.finding import MISSING
from jobs.reporting.about import counted_verdicts
from jobs.reporting.content import Content
from jobs.reporting.judge import exhibit_of
from jobs.reporting.section import figure_files


def markdown_page(content: Content, figures: str) -> str:
    """Statements, cost, figures, tables and where each is from. `figures`: the folder of the figures."""
    lines = [f"# {content.title}", "", *(f"{line}\n" for line in content.intro)]
    if content.findings:
        lines += [
            "## The paper's statements",
            "",
            f"{counted_verdicts(content.findings)}.",
            "",
            "| exhibit | the paper says | here | verdict |",
            "|---|---|---|---|",
        ]
        lines += [
            "| "
            + " | ".join(
                map(_cell, (one.exhibit, one.statement, one.ours, _verdict(one.verdict, one.reason)))
            )
            + " |"
            for one in content.findings
            if one.verdict != MISSING
        ]
        lacking = dict.fromkeys(one.exhibit for one in content.findings if one.verdict == MISSING)
        lines += ["", f"Of {', '.join(lacking)} there is nothing, or not all, yet."] if lacking else []
    lines += [
        "",
        "## What it cost, and what the store saved",
        "",
        *(f"* {line}" for line in content.cost),
        "",
    ]
    for section in content.sections:
        title = exhibit_of(section)
        lines += [f"## {title}: {section.name}" if title else f"## {section.kind} {section.name}", ""]
        lines += [section.about, ""]
        lines += [f"![{section.name}]({figures}/{quote(name)})\n" for name, _ in figure_files(section)]
        lines += [text.markdown() for text in section.texts]
        runs = ", ".join(f"{run} ({name})" for name, run in section.runs.items())
        lines += [
            f"Result {section.kind}/{section.name}/{section.result_id}, {section.made}; "
            f"runs: {runs or 'none'}.",
            "",
        ]
    if content.missing:
        lines += ["## Not finished", "", *(f"* {name}: {reason}" for name, reason in content.missing), ""]
    return "\n".join(lines)


def _verdict(verdict: str, reason: str) -> str:
    return f"**{verdict}**" + (f": {reason}" if reason else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""markdown: a study's report as Markdown, without its figures."""

from jobs.reporting.content import Content
from jobs.reporting.judge import exhibit_of


def markdown_page(content: Content) -> str:
    """Statements, cost, tables and where each is from."""
    lines = [f"# {content.title}", "", *(f"{line}\n" for line in content.intro)]
    if content.findings:
        lines += [
            "## The paper's statements",
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
        ]
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
        lines += [text.markdown() for text in section.texts]
        runs = ", ".join(f"{run} ({name})" for name, run in section.runs.items())
        lines += [f"Result {section.kind}/{section.name}/{section.result_id}; runs: {runs or 'none'}.", ""]
    if content.missing:
        lines += ["## Not finished", "", ", ".join(content.missing), ""]
    return "\n".join(lines)


def _verdict(verdict: str, reason: str) -> str:
    return f"**{verdict}**" + (f": {reason}" if reason else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""Words instead of tokens: the runs of a corpus as an analysis over words sees them."""

from collections.abc import Mapping
from dataclasses import replace

from actstore.errors import RequestError
from analyses.readers.word_places import WordReport
from analyses.readers.words import WordGroup
from analyses.similarity.request import StoredCorpus
from jobs.console import Console


def word_group(corpus: StoredCorpus) -> WordGroup:
    """The runs of a corpus, whose words are compared."""
    return WordGroup(tokens_ids={run.run_id: run.tokens_id for run in corpus.runs.values()})


def as_words(corpus: StoredCorpus, report: WordReport) -> StoredCorpus:
    """The corpus with words for rows: its runs have one id of rows, whatever their tokenizers.

    Raises RequestError where no word has tokens in all of them.
    """
    if not report.n_matched:
        raise RequestError(
            f"corpus {corpus.name}: of {report.n_words:,} words none has tokens of its own in every run; "
            "compare other checkpoints, or a text that both tokenizers know"
        )
    group = word_group(corpus)
    runs = {
        name: replace(run, tokens_id=group.id, n_rows=report.n_words) for name, run in corpus.runs.items()
    }
    return replace(corpus, runs=runs)


def remark_unmatched(name: str, reports: Mapping[str, WordReport], console: Console) -> None:
    """Tell which corpora have words that can not be compared."""
    for corpus, report in reports.items():
        if report.n_matched < report.n_words:
            console.remark(f"similarity {name}: corpus {corpus}: {report}")

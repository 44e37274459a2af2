"""Where words lie in a text: joined by spaces, or found in the raw text in order. Knows no file format."""

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from actstore.errors import CorpusError

Span = tuple[int, int]


class HasForm(Protocol):
    """A word that is written somehow."""

    @property
    def form(self) -> str: ...


W = TypeVar("W", bound=HasForm)


@dataclass(frozen=True, slots=True)
class Surface(Generic[W]):
    """A stretch of raw text and its words: one, or several for a multi-word token."""

    where: str
    form: str
    words: list[W] = field(default_factory=list)


def joined_spans(forms: list[str]) -> tuple[str, list[Span]]:
    """The forms joined by one space each, and their places."""
    spans, start = [], 0
    for form in forms:
        spans.append((start, start + len(form)))
        start += len(form) + 1
    return " ".join(forms), spans


def raw_spans(text: str, surfaces: list[Surface[W]]) -> list[Span]:
    """The place of each word of the surfaces in the raw text.

    Surfaces follow one another with nothing but white space between. The words of a multi-word token have
    their own places where their forms spell it ("do" + "n't"), else all have the place of the token
    ("de" + "le" for "du"). Raises CorpusError where a surface is not found.
    """
    spans: list[Span] = []
    end = 0
    for surface in surfaces:
        start = end
        while text[start : start + 1].isspace():
            start += 1
        if not text.startswith(surface.form, start):
            raise CorpusError(
                f"{surface.where}: {surface.form!r} is not at character {start} of the raw text, "
                f'which has {text[start : start + 20]!r} there; mend "# text", or use text_from = "words"'
            )
        end = start + len(surface.form)
        spans += _inside(surface, start, end)
    return spans


def _inside(surface: Surface[W], start: int, end: int) -> list[Span]:
    forms = [word.form for word in surface.words]
    if "".join(forms) != surface.form:
        return [(start, end)] * len(forms)
    return [
        (start + sum(map(len, forms[:i])), start + sum(map(len, forms[: i + 1]))) for i in range(len(forms))
    ]

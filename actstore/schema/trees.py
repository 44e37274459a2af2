"""Dependency trees: whether heads form one. Pure numbers."""

from collections.abc import Sequence


def tree_problem(heads: Sequence[int | None]) -> str | None:
    """What keeps the heads of a sentence's words from being a tree, None where they are one.

    `heads`: index of each word's head, its own for the root, None where the source has none.
    """
    for word, head in enumerate(heads):
        if head is None:
            return f"word {word + 1} has no head"
        if not 0 <= head < len(heads):
            return f"the head of word {word + 1} is not in the sentence"
    roots = [word + 1 for word, head in enumerate(heads) if head == word]
    if len(roots) > 1:
        return f"words {', '.join(map(str, roots))} are roots; a tree has one"
    hangs: set[int | None] = set()
    for word in range(len(heads)):
        path: list[int] = []
        at = word
        while at not in hangs and heads[at] != at:
            if at in path:
                return f"the heads of words {', '.join(str(one + 1) for one in path)} lead in a circle"
            path.append(at)
            at = int(heads[at] or 0)
        hangs.update(path)
    return None if roots else "no word is the root"

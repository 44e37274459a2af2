"""PropBank skeletons and the treebank they belong to, by hand: two sentences of one document."""

from pathlib import Path

DOCUMENT = "google/ewt/blog/00/doc.xml"
SENTENCES = (
    ("blog-doc-0001", ("Ann", "does", "not", "see", "it")),
    ("blog-doc-0002", ("Rain",)),
)
ROWS = (
    (
        ("NNP", "(TOP(S(NP-SBJ*)", "-", "-", "(ARG0*)"),
        ("VBZ", "(VP*", "do", "-", "*"),
        ("RB", "*", "-", "-", "(ARGM-NEG*)"),
        ("VB", "(VP*", "see", "see.01", "(V*)"),
        ("PRP", "(NP*)))))", "-", "-", "(ARG1*)"),
    ),
    (("NN", "(TOP(NP*))", "-", "-"),),
)


def skeleton(rows: tuple[tuple[tuple[str, ...], ...], ...] = ROWS) -> str:
    """The file as it is released: columns parted by blanks."""
    blocks = [
        "".join(
            f"{DOCUMENT}  {number}  {token}  [WORD]  {'   '.join(columns)} \n"
            for token, columns in enumerate(sentence)
        )
        for number, sentence in enumerate(rows)
    ]
    return "\n".join(blocks)


def treebank(sentences: tuple[tuple[str, tuple[str, ...]], ...] = SENTENCES) -> str:
    """The sentences as CoNLL-U, all words hanging from the first."""
    out = []
    for name, words in sentences:
        out.append(f"# sent_id = {name}")
        out += [
            f"{i}\t{word}\t_\tX\tXX\t_\t{0 if i == 1 else 1}\t{'root' if i == 1 else 'dep'}\t_\t_"
            for i, word in enumerate(words, start=1)
        ]
        out.append("")
    return "\n".join([*out, ""])


def write(folder: Path, text: str | None = None) -> Path:
    """A folder with the skeleton file as the release lays it out."""
    path = folder / "ewt" / "blog" / "00" / "doc.xml.gold_skel"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(skeleton() if text is None else text, encoding="utf-8")
    return folder / "ewt"

"""[[drift]]: how far each single token moved between two checkpoints."""

from jobs.study.base import Block, Name, Names, Pairs


class Drift(Block):
    """A drift analysis."""

    name: Name
    pairs: Pairs = "base"
    """As in [[similarity]]; both of one tokenizer and width."""
    corpora: Names

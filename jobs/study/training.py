"""Keys that every trained thing of a study may set; None leaves them to the method's own default."""

from jobs.study.base import Block, Positive, Rate


class Training(Block):
    """How long and how fast something trains."""

    epochs: Positive | None = None
    learning_rate: Rate | None = None
    batch_size: Positive | None = None

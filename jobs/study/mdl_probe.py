"""[[mdl_probe]]: edge probes measured by description length."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Positive
from jobs.study.edge_probe import SpanProbe


class MdlProbe(SpanProbe):
    """A description-length probe: the keys of an edge probe, and the codes."""

    codes: Annotated[tuple[Literal["online", "variational"], ...], Field(strict=False, min_length=1)] = (
        "online",
    )
    epochs: Positive | None = None
    """Of the variational code."""
    units: Literal["bits", "voita2020"] = "bits"
    """`voita2020`: as the released evaluation adds bits and nats."""

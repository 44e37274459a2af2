"""[[mdl_probe]]: edge probes measured by description length."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.edge_probe import EdgeProbe


class MdlProbe(EdgeProbe):
    """A description-length probe: the keys of an edge probe, and the codes."""

    codes: Annotated[tuple[Literal["online", "variational"], ...], Field(strict=False, min_length=1)] = (
        "online",
    )

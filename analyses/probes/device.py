"""Where probes are trained."""

import torch

from actstore.errors import RequestError


def torch_device(name: str) -> torch.device:
    """The device of a name: "auto" takes a GPU where this process sees one, "cpu", "cuda".

    Raises RequestError for "cuda" where there is none.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise RequestError(
            'device = "cuda", but torch sees no GPU here; give device = "auto" or "cpu", or run where one is'
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and there) else "cpu")

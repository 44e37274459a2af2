"""TransformerLens' cache over a text: run by the Python of its environment, tells a line of JSON.

    PYTHON benchmarks/peers/transformerlens_cache.py --model FOLDER --text FILE --into FOLDER --sites HOOK...

`TransformerBridge.run_with_cache`, the wanted hooks only and no logits asked for, over windows of tokens, or
with --examples over the examples padded to the longest of their batch; both are made before the clock starts.
The cache has no files of its own: each batch is written with `np.save`, float32.
"""

import json
import os
import time
from importlib.metadata import version

os.environ.update(HF_HUB_OFFLINE="1")

import numpy as np
import torch
from transformer_lens.model_bridge import TransformerBridge
from windows import batches, options


def main() -> None:
    arguments = options(__doc__)
    torch.set_num_threads(1)
    bridge = TransformerBridge.boot_transformers(arguments.model, device="cpu")
    made = batches(arguments)
    arguments.into.mkdir(parents=True, exist_ok=True)
    cached(bridge, *made[0], arguments.sites)  # the first forward of a process is slow
    started = time.perf_counter()
    for number, (ids, mask) in enumerate(made):
        np.save(arguments.into / f"{number}.npy", cached(bridge, ids, mask, arguments.sites))
    seconds = time.perf_counter() - started
    n_bytes = sum(path.stat().st_size for path in arguments.into.iterdir())
    told = {"seconds": seconds, "n_tokens": sum(int(mask.sum()) for _, mask in made), "n_bytes": n_bytes}
    print(json.dumps({**told, "version": version("transformer-lens")}))


def cached(bridge: TransformerBridge, ids: torch.Tensor, mask: torch.Tensor, sites: list[str]) -> np.ndarray:
    """What the hooks saw: float32 [site, sequence, token, unit]."""
    padding = {} if bool(mask.all()) else {"attention_mask": mask}
    with torch.no_grad():
        _, cache = bridge.run_with_cache(ids, return_type=None, names_filter=sites, **padding)
    return torch.stack([cache[site] for site in sites]).numpy()


if __name__ == "__main__":
    main()

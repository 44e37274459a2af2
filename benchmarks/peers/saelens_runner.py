"""SAELens' CacheActivationsRunner over a text: run by the Python of its environment, tells a line of JSON.

    PYTHON benchmarks/peers/saelens_runner.py --model FOLDER --text FILE --into FOLDER --sites HOOK...

Windows of tokens are made before the clock starts. The runner stores one hook a run, so several are several
runs. float32, as a data set of Arrow files.
"""

import argparse
import json
import os
import time
from importlib.metadata import version

os.environ.update(HF_HUB_OFFLINE="1")

import torch
from datasets import Dataset
from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig
from transformers import AutoConfig
from windows import options, windows


def main() -> None:
    arguments = options(__doc__)
    torch.set_num_threads(1)
    dataset = Dataset.from_dict({"input_ids": windows(arguments)})
    seconds = 0.0
    for site in arguments.sites:
        runner = runner_of(arguments, dataset, site)
        with torch.no_grad():
            runner.model(torch.tensor(dataset["input_ids"][: arguments.batch]))  # a process' first is slow
        started = time.perf_counter()
        stored = runner.run()
        seconds += time.perf_counter() - started
        if len(stored) != len(dataset):
            raise RuntimeError(f"{len(dataset)} windows went in, {len(stored)} came out")
    n_bytes = sum(path.stat().st_size for path in arguments.into.rglob("*.arrow"))
    told = {"seconds": seconds, "n_tokens": len(dataset) * arguments.context, "n_bytes": n_bytes}
    print(json.dumps({**told, "version": version("sae-lens")}))


def runner_of(arguments: argparse.Namespace, dataset: Dataset, site: str) -> CacheActivationsRunner:
    """A runner of one hook; `buffers` of its files hold the text."""
    width, n_tokens = (
        AutoConfig.from_pretrained(arguments.model).hidden_size,
        len(dataset) * arguments.context,
    )
    config = CacheActivationsRunnerConfig(
        dataset_path="",
        model_name=arguments.model,
        model_class_name="AutoModelForCausalLM",
        hook_name=site,
        d_in=width,
        model_batch_size=arguments.batch,
        context_size=arguments.context,
        training_tokens=n_tokens,
        buffer_size_gb=(n_tokens / arguments.buffers + 1) * width * 4 / 1e9,
        new_cached_activations_path=str(arguments.into / site),
        shuffle=False,
        prepend_bos=False,
        streaming=False,
        device="cpu",
    )
    return CacheActivationsRunner(config, override_dataset=dataset)


if __name__ == "__main__":
    main()

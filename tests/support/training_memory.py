"""What a training adds to a process that has its libraries loaded: run as a program, prints JSON.

python -m tests.support.training_memory FOLDER TASK

A tiny model is trained first, the same way, so that libraries, threads and their caches are there.
"""

import json
import sys
from pathlib import Path

from actstore.extract.allocator import share_one_heap
from actstore.schema.ports import Unit
from actstore.store.root import create_root
from jobs.study.load import load_study
from jobs.training.plan import plan_trainings
from jobs.training.request import TrainRequest
from jobs.training.requests import requests_of
from jobs.training.work import TrainWork
from tests.support.peak_memory import kilobytes
from tests.support.studies import make_study, sentence
from tests.support.tasks import block, with_tasks
from tests.support.tiny_models import make_tiny_model

SIZES = {
    "hidden_size": 384, "num_hidden_layers": 4, "intermediate_size": 1536, "num_attention_heads": 12,
    "max_position_embeddings": 128,
}  # fmt: skip
CORPUS = {"dep": "trees", "mnli": "nli", "squad": "qa", "mlm": "text"}
N_EXAMPLES, BATCH = 64, 32


def main(folder: Path, task: str) -> None:
    share_one_heap()
    warm, measured = requests(folder, task)
    train(warm)
    before = kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    train(measured)
    added = (kilobytes("VmHWM") - before) * 1024
    weights = (Path(measured.store) / "checkpoints" / measured.name / "model.safetensors").stat().st_size
    print(json.dumps({"added": added, "bound": measured.memory_bytes, "weights": weights}))


def train(request: TrainRequest) -> None:
    task = TrainWork(threads=1, device="cpu").open(request.name)
    task.do(Unit(key=request.name, group=request.name, weight=1.0, args=request))


def requests(folder: Path, task: str) -> list[TrainRequest]:
    """Of one tiny and one larger base, over texts of all lengths."""
    study = with_tasks(make_study(folder), n_examples=N_EXAMPLES)
    texts = [" ".join(sentence(i + k) for k in range(1 + i % 12)) for i in range(N_EXAMPLES)]
    (folder / "text.txt").write_text("\n".join(texts))
    (folder / "trees.conllu").write_text("\n".join(chain(text) for text in texts))
    make_tiny_model(folder / "models" / "large", "bert", **SIZES)
    study = study.checkpoint("large", model="models/large")
    keys = {"epochs": 1, "batch_size": BATCH, "max_steps": 2}
    blocks = [block(task, CORPUS[task], name=f"of-{base}", base=base, **keys) for base in ("base", "large")]
    study = study.only(["base", "large"], [CORPUS[task]], "".join(blocks))
    plan = plan_trainings(load_study(study.write()), None)
    (wave,) = plan.waves()
    return [request for request, _ in requests_of(plan, create_root(str(study.store)), wave)]


def chain(text: str) -> str:
    """The words as CoNLL-U, each hanging from the one before."""
    rows = [f"{i + 1}\t{word}\t_\tX\t_\t_\t{i}\tdep\t_\t_" for i, word in enumerate(text.split())]
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""A training that is killed goes on from its last kept state; two drivers at once end with one checkpoint."""

import os
import signal
import time
from pathlib import Path

from tests.support.commands import ALONE, Here, start
from tests.support.studies import SmallStudy
from tests.support.tasks import block, with_tasks

PARTS = ("model.safetensors", "head.safetensors", "ref.json")
NAME = "mnli-s3"
EPOCHS = 25


def prepared(study: SmallStudy) -> SmallStudy:
    keys = {"name": NAME, "seeds": [3], "epochs": EPOCHS, "save_steps": [2, 10]}
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli", **keys))
    made.write()
    return made


def files(store: Path) -> dict[str, bytes]:
    """What the weights, the head and the name are, of the trained checkpoint and of the early ones."""
    found = {}
    for name in (f"{NAME}-step2", f"{NAME}-step10", NAME):
        found |= {f"{name}/{part}": (store / "checkpoints" / name / part).read_bytes() for part in PARTS}
    return found


def test_resumed_after_a_kill_is_the_undisturbed_one(here: Here, study: SmallStudy) -> None:
    made = prepared(study)
    process = start("finetune", made.file, *ALONE)
    deadline = time.monotonic() + 60
    while not any(int(path.stem) >= 12 for path in made.store.glob("training/*/*.state")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (made.store / "checkpoints" / NAME / "ref.json").exists()
    (begun,) = here("ls", made.store, "--json").document["training"]
    assert (begun["checkpoint"], begun["n_steps"]) == (NAME, 4 * EPOCHS)
    assert begun["step"] >= 12

    resumed = here("finetune", made.file, *ALONE, "--json")
    assert resumed.code == 0, resumed.err
    (report,) = resumed.document["trained"]["checkpoints"]
    assert 0 < report["n_new_steps"] < report["n_steps"] - 10
    assert len(report["losses"]) == EPOCHS
    assert not (made.store / "training").exists()
    disturbed = made.store.rename(made.folder / "disturbed")

    whole = here("finetune", made.file, *ALONE, "--json")
    assert whole.code == 0, whole.err
    (undisturbed,) = whole.document["trained"]["checkpoints"]
    assert undisturbed["losses"] == report["losses"]
    assert files(disturbed) == files(made.store)
    assert here("verify", made.store).code == 0


def test_two_drivers_at_once_end_with_one_checkpoint(here: Here, study: SmallStudy) -> None:
    made = prepared(study)
    drivers = [start("finetune", made.file, *ALONE) for _ in range(2)]
    said = [driver.communicate()[1] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], said
    assert here("verify", made.store).code == 0
    assert not (made.store / "training").exists()
    both = files(made.store)
    made.store.rename(made.folder / "both")
    assert here("finetune", made.file, *ALONE).code == 0
    assert files(made.store) == both

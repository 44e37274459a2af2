"""Progress of trainings, as their kept states tell it."""

from pathlib import Path

from actstore.capture.source import CheckpointSource
from actstore.schema.refs import CorpusRef
from actstore.store.objects import Objects
from actstore.store.root import create_root
from actstore.store.training import begin_training, end_training, keep_state
from analyses.tuning.settings import default_settings
from jobs.training.request import TrainCorpus, TrainRequest
from jobs.training.watch import Watch

CORPUS = TrainCorpus(ref=CorpusRef(name="c", text_id="t", domain=""), tokens_id="k")


def request(objects: Objects) -> TrainRequest:
    return TrainRequest(
        store=objects.url, name="nli-s0", task="mnli", seed=0, start_sha256="a", pooler_sha256=None, base="b",
        start=CheckpointSource(name="b", model="b"), train=CORPUS, dev=CORPUS, head_options={},
        settings=default_settings("mnli").to_dict(),
    )  # fmt: skip


def kept(objects: Objects, training_id: str, step: int, losses: list[float]) -> None:
    note = {"done": losses, "total": 0.0, "count": 0}
    assert keep_state(objects, training_id, step, lambda path: path.write_bytes(b"state"), note)


def test_each_newly_kept_state_is_told_once_with_the_time_left(tmp_path: Path) -> None:
    objects = create_root(str(tmp_path / "store"))
    one, told = request(objects), list[str]()
    watch = Watch(objects, [one], told.append)
    watch.look(0.0)
    begin_training(objects, one.training_id, {"checkpoint": "nli-s0", "n_steps": 300})
    watch.look(10.0)
    assert told == []
    kept(objects, one.training_id, 100, [0.911])
    watch.look(110.0)
    watch.look(120.0)
    assert told == ["nli-s0: step 100 of 300, 1 of 3 epochs done, mean loss 0.911, about 3 min left"]
    kept(objects, one.training_id, 200, [0.911, 0.6])
    watch.look(160.0)
    assert told[1:] == ["nli-s0: step 200 of 300, 2 of 3 epochs done, mean loss 0.600, about 50 s left"]
    end_training(objects, one.training_id)
    watch.look(170.0)
    assert len(told) == 2


def test_it_looks_by_itself_while_it_is_open(tmp_path: Path) -> None:
    objects = create_root(str(tmp_path / "store"))
    one, told = request(objects), list[str]()
    begin_training(objects, one.training_id, {"checkpoint": "nli-s0", "n_steps": 300})
    watch = Watch(objects, [one], told.append, every_seconds=0.001)
    watch.look(0.0)
    kept(objects, one.training_id, 150, [])
    with watch:
        while not told:
            pass
    assert told[0].startswith("nli-s0: step 150 of 300, 0 of 3 epochs done, about ")

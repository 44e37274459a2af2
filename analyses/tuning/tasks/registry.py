"""task_of: a task by its name in a study."""

from actstore.errors import RequestError
from analyses.tuning.settings import TASKS
from analyses.tuning.tasks.dep import Dep
from analyses.tuning.tasks.mlm import Mlm
from analyses.tuning.tasks.nli import Nli
from analyses.tuning.tasks.squad import Squad
from analyses.tuning.tasks.task import Task


def task_of(name: str, *, mask_id: int | None = None, vocabulary: int | None = None) -> Task:
    """Raises RequestError for a name that is none, and for mlm without the tokenizer's mask and size."""
    if name == "mlm":
        if mask_id is None or vocabulary is None:
            raise RequestError("task 'mlm' needs a tokenizer with a mask token; name a checkpoint with one")
        return Mlm(mask_id=mask_id, vocabulary=vocabulary)
    tasks: dict[str, Task] = {"mnli": Nli(), "squad": Squad(), "dep": Dep()}
    if name not in tasks:
        raise RequestError(f"task = {name!r}; allowed are {', '.join(TASKS)}")
    return tasks[name]

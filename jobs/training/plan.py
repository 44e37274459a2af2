"""What a study trains: every check that needs no model, before anything is written or trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from actstore.capture.source import resolve
from actstore.capture.tokenizer import load_tokenizer, mask_id
from actstore.errors import CapacityError, CorpusError, ModelError, RequestError
from actstore.extract.prepare import CorpusInput, check_tokens, token_settings
from actstore.formats.nli import LABELS as NLI_LABELS
from actstore.formats.report import ReadReport
from actstore.plan.cost import model_size
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.text import Example
from actstore.store import names
from actstore.store.objects import Objects
from actstore.store.trained import find_trained
from analyses.tuning.trunk.families import trunk_family
from jobs.labels import Labelled, describe_labelled
from jobs.prepare import input_of
from jobs.study.finetune import PRETRAINING, Finetune
from jobs.study.label_names import tree_corpora
from jobs.study.study import Study
from jobs.training.settings import SIZES, architecture, train_settings
from jobs.training.starts import Starts
from jobs.training.tables import check_gold
from jobs.training.trained import made_of

MAX_CLASSES = 100
STATE_BYTES = 12
"""Of a parameter: weight and two moments in float32."""
WEIGHT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A corpus that is trained or scored on, read and identified; nothing is written yet."""

    input: CorpusInput
    found: Labelled
    classes: frozenset[str]
    """Labels of its examples, at most MAX_CLASSES."""

    @property
    def ref(self) -> CorpusRef:
        return self.found.ref


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """Everything a study trains, checked."""

    study: Study
    starts: Starts
    corpora: Mapping[str, Corpus]
    readings: Mapping[str, ReadReport]

    def waves(self) -> list[list[tuple[Finetune, int]]]:
        """(block, seed) of each training; what starts from another one comes in a later wave."""
        made = {name: (block.name, one.seed) for name, (block, one) in made_of(self.study).items()}
        left = [(block, seed) for block in self.study.finetune for seed in block.seeds]
        out: list[list[tuple[Finetune, int]]] = []
        while left:
            waiting = {(block.name, seed) for block, seed in left}
            ready = [one for one in left if made.get(one[0].of_seed(one[1])[-1].start) not in waiting]
            out.append(ready)
            left = [one for one in left if one not in ready]
        return out


def plan_trainings(study: Study, objects: Objects | None) -> TrainingPlan:
    """Read corpora and starts, and check them. Raises RequestError of every kind; writes nothing."""
    readings: dict[str, ReadReport] = {}
    used = [name for block in study.finetune for name in (block.train, *block.scored_on)]
    corpora = {name: _described(study, name, readings) for name in dict.fromkeys(used)}
    plan = TrainingPlan(study=study, starts=Starts(study), corpora=corpora, readings=readings)
    for block in study.finetune:
        for name in dict.fromkeys((block.train, *block.scored_on)):
            _check_labels(block, corpora[name])
        for seed in block.seeds:
            _check(plan, objects, block, seed)
    if objects is not None:
        for corpus in corpora.values():
            names.check_corpus(objects, corpus.ref)
    return plan


def check_disk(plan: TrainingPlan, objects: Objects | None, free_bytes: int | None, n_workers: int) -> None:
    """Raise CapacityError where the disk can not hold what comes out, and the states on the way."""
    needed, states = 0, [0]
    for block, seed in (one for wave in plan.waves() for one in wave):
        made = block.of_seed(seed)
        if objects is None or find_trained(objects, made[-1].name) is None:
            parameters = _parameters(plan.starts.of(block, seed, objects)[1], block)
            needed += parameters * WEIGHT_BYTES * len(made)
            states.append(2 * parameters * STATE_BYTES)  # a new state stands before the old one goes
    needed += max(states) * min(n_workers, len(states) - 1)
    if free_bytes is not None and needed > free_bytes:
        raise CapacityError(
            f"the trained checkpoints and the states on the way take {needed / 1e9:.1f} GB, "
            f"{free_bytes / 1e9:.1f} GB are free; free some, choose another store, or save fewer steps"
        )


def _described(study: Study, name: str, readings: dict[str, ReadReport]) -> Corpus:
    item = study.corpus(name)
    corpus_input = input_of(item, readings, trees=name in tree_corpora(study))
    classes: set[str] = set()

    def watched() -> Iterator[Example]:
        for example in corpus_input.read():
            if example.label is not None and len(classes) < MAX_CLASSES:
                classes.add(example.label)
            yield example

    found = describe_labelled(item, replace(corpus_input, read=watched))
    return Corpus(input=corpus_input, found=found, classes=frozenset(classes))


def _check_labels(block: Finetune, corpus: Corpus) -> None:
    """Raise CorpusError where gold labels lack, or are not the task's."""
    check_gold(block.task, corpus.ref)
    strange = sorted(corpus.classes - set(NLI_LABELS))
    if block.task == "mnli" and strange:
        raise CorpusError(
            f'corpus {corpus.ref.name!r} can not be used for task = "mnli": it has the label {strange[0]!r}; '
            f"allowed are {', '.join(NLI_LABELS)}"
        )


def _check(plan: TrainingPlan, objects: Objects | None, block: Finetune, seed: int) -> None:
    """Of one training: family, layers, settings, tokenizer, limits."""
    source, ref = plan.starts.of(block, seed, objects)
    where = f'[[finetune]] "{block.name}"'
    _check_settings(where, block, seed)
    trunk_family(ref.family)
    if block.model is not None and ref.family != "bert":
        raise ModelError(f"{where}: model = {{ ... }} is for BERT, the base is {ref.family}; leave it out")
    if block.frozen_layers is not None and block.frozen_layers > ref.n_layers:
        raise RequestError(
            f"{where}: frozen_layers = {block.frozen_layers}; the base has {ref.n_layers} layers, so allowed "
            f"are 0 (the embeddings) to {ref.n_layers}"
        )
    tokenizer = load_tokenizer(resolve(source))
    if block.task == PRETRAINING:
        mask_id(tokenizer)
    for name in (block.train, block.dev):
        corpus = plan.corpora[name].input
        limits = token_settings(corpus, ref)
        check_tokens(corpus, tokenizer, limits)
        _check_sizes(where, block, ref, (name, limits.max_length))


def _check_settings(where: str, block: Finetune, seed: int) -> None:
    try:
        train_settings(block, seed)
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None


def _check_sizes(where: str, block: Finetune, ref: CheckpointRef, longest: tuple[str, int]) -> None:
    """Raise RequestError for sizes of a model that do not go together, or with a corpus's max_length."""
    if block.model is None:
        return
    sizes = {**(ref.config or {}), **architecture(block)}
    width, heads, positions = (sizes[SIZES[key]] for key in ("width", "heads", "positions"))
    if width % heads:
        raise RequestError(
            f"{where}: model = {{ ... }} has width {width} and {heads} heads; width has to be a multiple "
            "of heads"
        )
    corpus, max_length = longest
    if max_length > positions:
        raise RequestError(
            f'{where}: model = {{ ... }} has {positions} positions, sequences of corpus "{corpus}" may have '
            f"{max_length} tokens; raise positions or lower the corpus's max_length"
        )


def _parameters(ref: CheckpointRef, block: Finetune) -> int:
    config = {**(ref.config or {}), **architecture(block)}
    layers, width = config.get("num_hidden_layers", ref.n_layers), config.get("hidden_size", ref.width)
    return model_size(config, layers, width).parameters

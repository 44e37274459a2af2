"""Heads: equal to the library's models, to their formulas, and the same after saving."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModel, BertForQuestionAnswering, BertForSequenceClassification

from actstore.errors import FormatVersionError, ModelError, RequestError
from actstore.schema.text import Target
from analyses.tuning.batch import Batch, make_batch
from analyses.tuning.build import build_model
from analyses.tuning.heads.files import load_head
from analyses.tuning.heads.nli import NliHead, NliSpec
from analyses.tuning.heads.parser import ParserHead, ParserSpec
from analyses.tuning.heads.qa import QaHead, QaSpec
from analyses.tuning.heads.tree import best_tree, is_tree
from analyses.tuning.model import StoredTop, TaskModel
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.tasks.task import HeadOptions
from analyses.tuning.trunk.save import save_checkpoint
from analyses.tuning.trunk.spec import TrunkSpec
from tests.support.tiny_models import make_tiny_model, tiny_model
from tests.support.tuning_tables import pair, sentence, tables_of

SETTINGS = TrainSettings(epochs=1, learning_rate=1e-3, batch_size=2)
PAIRS = [
    pair("The cat sat on the mat.", "The dog did not care.", "neutral"),
    pair("A model is run once.", "It is read.", "entailment"),
    pair("She does.", "She does not know that they have.", "contradiction"),
]
TREES = [
    sentence(("The", 2, "det"), ("cat", 3, "nsubj"), ("sat", 0, "root"), (".", 3, "punct")),
    sentence(("Workers", 2, "nsubj"), ("stay", 0, "root")),
]


def stored(value, lengths, **target) -> Batch:
    mask = torch.arange(value.shape[1]) < torch.tensor(lengths)[:, None]
    return Batch(
        sequence_N=np.arange(len(lengths)), token_id_NS=None, value_NSD=value, segment_NS=mask.long(),
        mask_NS=mask, padded=True, target=target, n_targets=1,
    )  # fmt: skip


def inputs():
    ids = torch.randint(5, 300, (3, 8), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(8) < torch.tensor([8, 5, 3])[:, None]
    return {"input_ids": ids, "attention_mask": mask.long(), "token_type_ids": (ids % 2)}, mask


def test_the_librarys_classifier_is_reproduced_from_the_last_layer():
    model = tiny_model("bert", head="ForSequenceClassification", num_labels=3)
    assert isinstance(model, BertForSequenceClassification)
    given, mask = inputs()
    with torch.no_grad():
        output = model(**given, output_hidden_states=True, labels=torch.tensor([0, 2, 1]))
    head = NliHead(NliSpec(width=32, labels=("a", "b", "c")))
    head.pooler.load_state_dict(model.bert.pooler.dense.state_dict())
    head.classifier.load_state_dict(model.classifier.state_dict())
    batch = stored(output.hidden_states[-1], mask.sum(1).tolist(), label=torch.tensor([0, 2, 1]))
    top = TaskModel(StoredTop(), None, head).eval()
    assert torch.equal(top(batch)["label"], output.logits)
    assert (top.loss(batch) / 3).item() == pytest.approx(output.loss.item(), abs=1e-6)


def test_the_librarys_question_answering_is_reproduced_from_the_last_layer():
    model = tiny_model("bert", head="ForQuestionAnswering")
    assert isinstance(model, BertForQuestionAnswering)
    given, mask = inputs()
    with torch.no_grad():
        output = model(**given, output_hidden_states=True)
    head = QaHead(QaSpec(width=32))
    head.qa_outputs.load_state_dict(model.qa_outputs.state_dict())
    found = head(output.hidden_states[-1], stored(output.hidden_states[-1], mask.sum(1).tolist()))
    assert torch.equal(found["start"][mask], output.start_logits[mask])
    assert torch.equal(found["end"][mask], output.end_logits[mask])


def test_the_padding_of_neighbours_does_not_change_a_loss_of_qa():
    head = QaHead(QaSpec(width=4))
    value = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    place = torch.tensor([1])
    losses = [
        head.loss(head(v, b), b).item()
        for v in (value[:, :4], value)
        for b in [stored(v, [4], start=place, end=place)]
    ]
    assert losses[0] == losses[1]


def test_the_parsers_scores_are_its_formulas():
    spec = ParserSpec(width=6, labels=("a", "b", "c"), arc_width=5, label_width=4, subword="mean")
    head = ParserHead(spec).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    value = torch.randn(1, 6, 6, generator=generator)
    first, last = torch.tensor([[1, 2, 4]]), torch.tensor([[1, 3, 4]])
    gold = {"head": torch.tensor([[2, 0, 2]]), "label": torch.tensor([[0, 2, 1]])}
    batch = stored(value, [6], first=first, last=last, **gold)
    output = head(value, batch)

    h = value[0].detach()
    places = torch.stack([h[0], h[1], (h[2] + h[3]) / 2, h[4]])
    one = torch.ones(1)

    def at(module, place):
        return module(places[place]).detach()

    arcs = torch.full((3, 4), -torch.inf)
    for i, j in itertools.product(range(1, 4), range(4)):
        if i != j:
            dependent = torch.cat([at(head.arc_dependent, i), one])
            arcs[i - 1, j] = dependent @ head.arc_biaffine @ at(head.arc_head, j)
    torch.testing.assert_close(output["arc"][0], arcs)
    loss = torch.zeros(())
    for i, (j, label) in enumerate(zip([2, 0, 2], [0, 2, 1], strict=True), start=1):
        r_i, r_j = (torch.cat([at(m, p), one]) for m, p in ((head.label_dependent, i), (head.label_head, j)))
        scores = torch.stack([r_i @ head.label_biaffine[k] @ r_j for k in range(3)])
        loss = loss - arcs[i - 1].log_softmax(0)[j] - scores.log_softmax(0)[label]
    torch.testing.assert_close(head.loss(output, batch), loss)


def best_by_trying(score) -> tuple[float, tuple[int, ...]]:
    """The best tree with one root among all assignments of heads."""
    n_words = len(score)
    trees = [
        heads
        for heads in itertools.product(range(n_words + 1), repeat=n_words)
        if heads.count(0) == 1 and all(reaches_root(heads, i) for i in range(n_words))
    ]
    return max((sum(score[i][h] for i, h in enumerate(heads)), heads) for heads in trees)


def reaches_root(heads, word) -> bool:
    for _ in heads:
        if heads[word] == 0:
            return True
        word = heads[word] - 1
    return False


@pytest.mark.parametrize("n_words", [1, 2, 3, 4, 5])
def test_the_best_tree_is_found(n_words):
    draws = np.random.default_rng(n_words)
    n_mended = 0
    for _ in range(60 if n_words < 5 else 25):
        score = draws.standard_normal((n_words, n_words + 1))
        score[np.arange(n_words), np.arange(n_words) + 1] = -np.inf
        found = best_tree(score)
        greedy = score.argmax(axis=1)
        value, heads = best_by_trying(score)
        assert tuple(found) == heads
        assert sum(score[i, h] for i, h in enumerate(found)) == pytest.approx(value)
        n_mended += not is_tree(greedy)
    assert n_mended or n_words == 1


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "gpt_neox", "llama"])
@pytest.mark.parametrize("task", ["mnli", "squad", "dep"])
def test_a_saved_head_gives_the_scores_of_the_whole_model(tmp_path, family, task):
    folder = make_tiny_model(tmp_path / "base", family)
    answered = replace(PAIRS[0], targets={"answers": (Target(span1=(0, 1), labels=("dog",)),)})
    tables = tables_of(TREES if task == "dep" else [answered, *PAIRS[1:]], folder)
    data = task_of(task).data(tables)
    model = build_model(TrunkSpec(folder=folder), task_of(task), data, SETTINGS).eval()
    with torch.no_grad():
        for parameter in (*model.head.parameters(), *model.norm.parameters()):
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    out = tmp_path / "out"
    out.mkdir()
    save_checkpoint(model, out)
    whole = AutoModel.from_pretrained(out).eval()
    assert sum(p.numel() for p in whole.parameters()) >= sum(p.numel() for p in model.trunk.parameters())
    batch = make_batch(data, np.arange(2), np.random.default_rng(0), torch.device("cpu"))
    with torch.no_grad():
        value = model.trunk(batch)
        again = build_model(TrunkSpec(folder=out), task_of(task), data, SETTINGS).eval().trunk(batch)
        alone = load_head(out)(stored(value, batch.mask_NS.sum(1).tolist(), **batch.target))
        expected = model(batch)
    assert torch.equal(again, value)
    for name, scores in expected.items():
        torch.testing.assert_close(alone[name], scores, atol=1e-6, rtol=1e-6)


def test_the_pooler_comes_from_the_checkpoint_or_at_random(tmp_path):
    folder = make_tiny_model(tmp_path / "base", "bert")
    data = task_of("mnli").data(tables_of(PAIRS, folder))

    def pooler(pooler_init):
        model = build_model(
            TrunkSpec(folder=folder), task_of("mnli"), data, SETTINGS, HeadOptions(pooler_init=pooler_init)
        )
        return model.head.pooler.weight

    saved = AutoModel.from_pretrained(folder).pooler.dense.weight
    assert torch.equal(pooler("pretrained"), saved)
    assert pooler("random").abs().max() <= 0.04
    with pytest.raises(RequestError, match="pooler_init = 'zero'"):
        HeadOptions(pooler_init="zero")


def test_a_truncated_checkpoint_is_saved_with_its_frozen_layers(tmp_path):
    folder = make_tiny_model(tmp_path / "base", "bert")
    data = task_of("mnli").data(tables_of(PAIRS, folder))
    model = build_model(TrunkSpec(folder=folder, keep_layers=2, n_frozen=1), task_of("mnli"), data, SETTINGS)
    out = tmp_path / "out"
    out.mkdir()
    save_checkpoint(model, out)
    saved, base = AutoModel.from_pretrained(out), AutoModel.from_pretrained(folder)
    assert saved.config.num_hidden_layers == 2
    expected = {n: v for n, v in base.state_dict().items() if "layer.2." not in n}
    assert set(saved.state_dict()) == set(expected)
    assert all(torch.equal(value, expected[name]) for name, value in saved.state_dict().items())


def test_a_folder_without_a_head_or_with_a_newer_one(tmp_path):
    with pytest.raises(ModelError, match="holds no head"):
        load_head(tmp_path)
    (tmp_path / "head.json").write_text('{"head_version": 9, "task": "mnli"}')
    with pytest.raises(FormatVersionError, match="version 9"):
        load_head(tmp_path)


def test_a_sentence_without_words_has_an_empty_tree():
    assert best_tree(np.zeros((0, 1))).shape == (0,)

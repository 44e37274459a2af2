"""Tasks: tables to targets, outputs to predictions, and each of them learnt by heart."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from actstore.errors import CorpusError, RequestError
from actstore.schema.text import Example, Target
from analyses.tuning.batch import Batch
from analyses.tuning.build import build_model
from analyses.tuning.features import features_of
from analyses.tuning.scoring import score
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.dep_data import IGNORED
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.tasks.squad_data import second_side
from analyses.tuning.tasks.squad_decode import EMPTY, Span, answer_text, window_spans
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec
from tests.support.tiny_models import VOCABULARY, make_tiny_model
from tests.support.tokenised import words_of
from tests.support.tuning_tables import pair, sentence, tables_of

FAST = TrainSettings(epochs=120, learning_rate=1e-3, batch_size=4, warmup=0.1, dropout=0.0, head_dropout=0.0)
CONTEXT = "The cat sat on the mat, and the dog did not care; the bytes stay the same again and again."


def asked(question: str, *answers: str, context: str = CONTEXT, id: str = "q") -> Example:
    targets = tuple(
        Target(span1=(0, 0), labels=(text,), info=json.dumps({"char_start": context.index(text)}))
        for text in answers
    )
    words = words_of(question) + words_of(context, 1)
    return Example(source_id=id, text=question, text_b=context, words=words, targets={"answers": targets})


TREES = [
    sentence(("The", 2, "det"), ("cat", 3, "nsubj"), ("sat", 0, "root"), ("on", 6, "case"),
             ("the", 6, "det"), ("mat", 3, "obl:loc"), (".", 3, "punct")),
    sentence(("Workers", 3, "nsubj:pass"), ("are", 3, "aux"), ("killed", 0, "root"), (",", 3, "punct"),
             ("again", 3, "advmod")),
    sentence(("She", 3, "nsubj"), ("does", 3, "aux"), ("know", 0, "root")),
]  # fmt: skip
PAIRS = [
    pair("The cat sat on the mat.", "The dog did not care.", "neutral"),
    pair("A model is run once.", "It is read again.", "entailment"),
    pair("She does not know.", "She knows.", "contradiction"),
    pair("Workers are killed.", "The bytes stay the same.", "neutral"),
]
QUESTIONS = [
    asked("Who sat?", "The cat", "cat", id="q1"),
    asked("What stays the same?", "the bytes", id="q2"),
    asked("Who did not care?", "the dog", id="q3"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("base"), "bert")


def learnt(folder, task, tables, settings=FAST, options=None):
    data = task.data(tables)
    model = build_model(TrunkSpec(folder=folder), task, data, settings, options)
    before = score(model, task, data).metrics
    for _ in Training(model, data, settings):
        pass
    return before, score(model, task, data)


def test_nli_is_learnt_by_heart(folder):
    before, after = learnt(folder, task_of("mnli"), tables_of(PAIRS, folder))
    assert before["accuracy"] < after.metrics["accuracy"] == 1.0
    assert after.predictions.to_pydict() == {
        "example": [0, 1, 2, 3], "label": ["neutral", "entailment", "contradiction", "neutral"],
    }  # fmt: skip


@pytest.mark.parametrize("limits", [{}, {"max_length": 24, "overflow": "window", "stride": 6}])
def test_questions_are_learnt_by_heart(folder, limits):
    before, after = learnt(folder, task_of("squad"), tables_of(QUESTIONS, folder, **limits))
    assert before["f1"] < after.metrics["f1"] == after.metrics["exact_match"] == 100.0
    assert after.predictions["answer"].to_pylist() == ["The cat", "the bytes", "the dog"]


@pytest.mark.parametrize("subword", ["first", "mean"])
def test_trees_are_learnt_by_heart(folder, subword):
    options = HeadOptions(subword=subword, arc_width=32, label_width=16, parser_dropout=0.0)
    settings = replace(FAST, epochs=200)
    before, after = learnt(folder, task_of("dep"), tables_of(TREES, folder), settings, options)
    assert before["las"] < 50
    assert [after.metrics[name] for name in ("uas", "las", "las_subtypes", "las_no_punct")] == [100.0] * 4
    gold = [word for tree in TREES for word in tree.words]
    assert after.predictions["head"].to_pylist() == [word.head for word in gold]
    assert after.predictions["deprel"].to_pylist() == [word.deprel for word in gold]


def test_masked_tokens_are_learnt_from_random_weights(folder):
    task = task_of("mlm", mask_id=4, vocabulary=VOCABULARY)
    tables = tables_of(PAIRS[:1], folder)
    settings = replace(FAST, epochs=500, batch_size=1)
    data = task.data(tables)
    model = build_model(TrunkSpec(folder=folder, random_seed=0), task, data, settings)
    assert model.head.decoder is model.trunk.embedding
    before = score(model, task, data).metrics
    for _ in Training(model, data, settings):
        pass
    after = score(model, task, data).metrics
    assert before["masked_loss"] > 5
    assert after["masked_loss"] < 1
    assert after["masked_accuracy"] >= 0.5


def test_the_shares_of_masking(folder):
    tables = tables_of([pair("The cat sat on the mat again and again.", CONTEXT, None)] * 200, folder)
    data = task_of("mlm", mask_id=4, vocabulary=VOCABULARY).data(tables)
    features = data.features
    longest = int(features.length_S.max())
    targets = data.targets(np.arange(features.n_sequences), longest, np.random.default_rng(0))
    inside = np.arange(longest) < features.length_S[:, None]
    masked_T = targets.arrays["masked"][inside]
    assert targets.n_targets == masked_T.sum() == targets.arrays["masked"].sum()
    assert not (masked_T & features.special_T).any()
    assert masked_T[~features.special_T].mean() == pytest.approx(0.15, abs=0.02)
    shown, true = targets.token_id_T, features.token_id_T
    assert (shown == true)[~masked_T].all()
    assert (shown == 4)[masked_T].mean() == pytest.approx(0.8, abs=0.04)
    assert (shown == true)[masked_T].mean() == pytest.approx(0.1, abs=0.04)
    assert np.array_equal(targets.arrays["token"][inside], true)


def test_a_head_without_tokens_is_not_trained_on_but_scored(folder):
    tables = tables_of(TREES, folder, max_length=6)  # four tokens of each sentence, no word cut in two
    data = task_of("dep").data(tables)
    targets = data.targets(np.array([0]), 6, np.random.default_rng(0)).arrays
    kept = len(targets["head"][0])
    assert kept == 4
    assert targets["head"][0].tolist() == [2, 3, 0, IGNORED]  # "on" is under "mat", which was cut off
    assert targets["label"][0, 3] == IGNORED
    model = build_model(TrunkSpec(folder=folder), task_of("dep"), data, FAST)
    scores = score(model, task_of("dep"), data)
    n_words = sum(len(tree.words) for tree in TREES)
    assert len(scores.predictions) == n_words
    lost = scores.predictions["head"].null_count
    assert lost >= 3
    assert scores.metrics["words_lost"] == pytest.approx(100 * lost / n_words)


def test_labels_of_the_training_are_kept(folder):
    data = task_of("dep").data(tables_of(TREES[2:], folder), labels=("root", "aux"))
    assert data.labels == ("root", "aux")
    assert data.label_W.tolist() == [IGNORED, 1, 0]


def test_windows_hold_the_answer_or_point_at_the_first_token(folder):
    tables = tables_of(QUESTIONS, folder, max_length=24, overflow="window", stride=6)
    data = task_of("squad").data(tables)
    assert data.features.n_sequences > 2 * len(QUESTIONS)
    found = 0
    for at, (start, end) in enumerate(zip(data.start_S, data.end_S, strict=True)):
        first = data.features.offset_S1[at]
        example = data.features.example_S[at]
        answer = data.answers_of[example][0]
        mine = slice(first, first + data.features.length_S[at])
        held = data.context_T[mine] & (data.char_start_T[mine] >= answer.char_start)
        held &= data.char_end_T[mine] <= answer.char_start + len(answer.text)
        text = CONTEXT[data.char_start_T[first + start] : data.char_end_T[first + end]]
        if start:
            assert text == answer.text
            assert list(np.flatnonzero(held)) == list(range(start, end + 1))
            found += 1
        else:
            assert end == 0
            assert (
                CONTEXT[data.char_start_T[mine][held].min() : data.char_end_T[mine][held].max()]
                != (answer.text)
                if held.any()
                else True
            )
    assert found >= len(QUESTIONS)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_the_second_text_is_found_whatever_the_segments_say(tmp_path, family):
    folder = make_tiny_model(tmp_path / "model", family)
    tables = tables_of(QUESTIONS, folder)
    data = task_of("squad").data(tables)
    for example, context in data.context_of.items():
        mine = np.repeat(data.features.example_S, data.features.length_S) == example
        second = mine & data.context_T
        assert (data.char_start_T[second].min(), data.char_end_T[second].max()) == (0, len(context))
        first = mine & ~data.context_T & ~data.features.special_T
        assert data.char_end_T[first].max() == len(QUESTIONS[example].text)
    plain = features_of(tables.tokens)
    unsegmented = replace(plain, segment_T=np.zeros_like(plain.segment_T))
    assert np.array_equal(second_side(unsegmented), data.context_T)


def scores_of(n_tokens, **best):
    value = np.full(n_tokens, -5.0, dtype=np.float32)
    for place, score_ in best.items():
        value[int(place[1:])] = score_
    return value


def test_decoding_by_the_rules(folder):
    data = task_of("squad").data(tables_of(QUESTIONS[:1], folder))
    n_tokens = int(data.features.length_S[0])
    context = np.flatnonzero(data.context_T)
    a, b, c = (int(context[n]) for n in (0, 1, 2))
    starts = scores_of(n_tokens, **{"p0": 9, "p1": 8, f"p{b}": 3, f"p{c}": 2})
    ends = scores_of(n_tokens, **{"p0": 9, f"p{a}": 7, f"p{c}": 1, f"p{b}": 0})
    spans = list(window_spans(data, 0, starts, ends))
    text = answer_text(CONTEXT, spans)
    # the first token and the question score highest and are no answer; the end at `a` is before its start
    assert text == CONTEXT[data.char_start_T[b] : data.char_end_T[c]]
    worse = replace(data, best_T=data.best_T & (np.arange(n_tokens) != b))
    expected = CONTEXT[data.char_start_T[c] : data.char_end_T[c]]
    assert answer_text(CONTEXT, list(window_spans(worse, 0, starts, ends))) == expected
    assert answer_text(CONTEXT, []) == EMPTY
    assert answer_text("abcdef", [Span(1.0, 0, 1), Span(2.0, 1, 3), Span(2.0, 3, 4)]) == "bc"


def test_answers_are_of_at_most_thirty_tokens_and_of_the_twenty_best(folder):
    long = asked("Who?", "cat", context="cat " * 50)
    data = task_of("squad").data(tables_of([long], folder))
    n_tokens = int(data.features.length_S[0])
    first = int(np.flatnonzero(data.context_T)[0])
    starts = scores_of(n_tokens, **{f"p{first}": 5})
    ends = scores_of(n_tokens, **{f"p{first + 30}": 9, f"p{first + 29}": 8})
    spans = list(window_spans(data, 0, starts, ends))
    assert len("cat " * 30) - 1 == max(span.char_end for span in spans if span.char_start == 0)
    ranks = -np.arange(n_tokens, dtype=np.float32)
    spans = list(window_spans(data, 0, ranks, ranks))
    assert len({span.char_start for span in spans}) == 20 - first


def test_the_best_span_of_all_windows_is_the_answer(folder):
    tables = tables_of(QUESTIONS[:1], folder, max_length=24, overflow="window", stride=6)
    data = task_of("squad").data(tables)
    shape = (data.features.n_sequences, int(data.features.length_S.max()))
    start, end = torch.full(shape, -9.0), torch.full(shape, -9.0)
    last = shape[0] - 1
    first = int(data.features.offset_S1[last])
    inside = data.context_T[first:] & data.best_T[first:]
    place = int(np.flatnonzero(inside)[-1])
    start[last, place] = end[last, place] = 1.0
    batch = Batch(
        sequence_N=np.arange(shape[0]), token_id_NS=None, value_NSD=None, segment_NS=start, mask_NS=start,
        padded=True, target={}, n_targets=1,
    )  # fmt: skip
    found = task_of("squad").score(data, [(batch, {"start": start, "end": end})])
    assert found.predictions["answer"].to_pylist() == ["."]
    assert found.metrics == {"exact_match": 0.0, "f1": 0.0}


def test_what_a_corpus_lacks_is_told(folder):
    tables = tables_of(PAIRS, folder)
    bare = CorpusTables(tokens=tables.tokens)
    for name, needed in (("mnli", "example_labels"), ("dep", "words"), ("squad", "examples")):
        with pytest.raises(RequestError, match=f"task '{name}' needs the table '{needed}'"):
            task_of(name).data(bare)
    with pytest.raises(CorpusError, match="no word of the corpus has a head"):
        task_of("dep").data(tables)
    with pytest.raises(CorpusError, match="no paragraph"):
        task_of("squad").data(tables_of(TREES, folder))
    with pytest.raises(CorpusError, match="label 'contradiction'; allowed are yes, no"):
        task_of("mnli").data(tables, labels=("yes", "no"))
    with pytest.raises(CorpusError, match="no tokens"):
        task_of("mnli").data(CorpusTables(tokens=tables.tokens.slice(0, 0)))
    with pytest.raises(CorpusError, match="no example of the corpus has a label"):
        task_of("mnli").data(tables_of([pair("A cat.", "A dog.", None)], folder))
    with pytest.raises(CorpusError, match="no question of the corpus has an answer"):
        task_of("squad").data(tables_of([asked("Who?")], folder))
    windows = tables_of(TREES, folder, max_length=7, overflow="window", stride=2)
    with pytest.raises(CorpusError, match="cut into windows"):
        task_of("dep").data(windows)
    with pytest.raises(RequestError, match="task = 'ner'; allowed are mnli"):
        task_of("ner")
    with pytest.raises(RequestError, match="mask token"):
        task_of("mlm")


def test_masked_tokens_can_not_start_from_the_store(folder):
    task = task_of("mlm", mask_id=4, vocabulary=VOCABULARY)
    data = task.data(tables_of(PAIRS, folder))
    with pytest.raises(RequestError, match="trains the embeddings"):
        build_model(TrunkSpec(folder=folder, n_frozen=1), task, data, FAST)

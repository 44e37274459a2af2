"""The paper's statements, judged on numbers whose answer is known."""

from dataclasses import replace

from analyses.paper.change import figure2, figure5, single_sentence
from analyses.paper.finding import Models
from analyses.paper.layers import figure3, figure4
from analyses.paper.learned import failed_seeds, only_learned, told_failed, unlearned, without
from analyses.paper.syntax import appendix_b, figure1
from analyses.paper.table1 import appendix_a, table1

NAMES = {"n": "mnli", "q": "squad", "d": "dep"}
MODELS = Models(
    task_of=NAMES, base_of=dict.fromkeys(NAMES, "base"), n_layers=12, randoms=frozenset({"r0", "r1"})
)


def rsa(checkpoint, values, corpus="wikipedia"):
    about = {"checkpoint_a": "base", "checkpoint_b": checkpoint, "corpus": corpus, "measure": "rsa"}
    return [{**about, "layer_a": k, "layer_b": k, "value": value} for k, value in enumerate(values)]


def falling(start, depth):
    """Like the base up to a layer, then less and less."""
    return [1.0 if k < start else 1.0 - depth * (k - start + 1) / (13 - start) for k in range(13)]


def verdicts(findings):
    return [one.verdict for one in findings]


def ablation(kind, task, metric, scores):
    return [
        {"kind": kind, "task": task, "metric": metric, "n_layers": k, "seed": 0, "value": value}
        for k, value in scores.items()
    ]


def test_figure_2_as_the_paper_has_it_and_the_other_way_round():
    rows = [*rsa("n", falling(9, 0.3)), *rsa("q", falling(9, 0.3)), *rsa("d", falling(4, 0.6))]
    assert verdicts(figure2(rows, MODELS)) == [
        "same direction",
        "not comparable",
        "same direction",
        "same direction",
    ]
    turned = [*rsa("n", falling(1, 0.9)), *rsa("q", falling(1, 0.9)), *rsa("d", falling(4, 0.2)[::-1])]
    assert verdicts(figure2(turned, MODELS)) == ["differs", "not comparable", "differs", "differs"]
    assert verdicts(figure2([], MODELS)) == ["not there yet"] * 4


def test_figure_5_compares_the_last_layer_and_questions_are_no_domain():
    rows = [*rsa("n", falling(9, 0.3)), *rsa("n", falling(9, 0.5), "nli-inputs")]
    rows += [*rsa("q", falling(9, 0.3)), *rsa("q", falling(9, 0.5), "qa-inputs")]
    assert verdicts(figure5(rows, MODELS)) == ["same direction", "not comparable"]
    swapped = [
        {**row, "corpus": "wikipedia" if row["corpus"] == "nli-inputs" else "nli-inputs"} for row in rows
    ]
    assert verdicts(figure5(swapped, MODELS))[0] == "differs"


def test_single_sentences_are_compared_by_ranks():
    rows = [*rsa("n", falling(1, 0.3), "nli-inputs"), *rsa("n", falling(1, 0.1), "nli-premises")]
    assert verdicts(single_sentence(rows, MODELS)) == ["same direction", "not there yet"]
    turned = [*rows[:13], *rsa("n", falling(1, 0.1)[::-1], "nli-premises")]
    assert verdicts(single_sentence(turned, MODELS))[0] == "differs"


def test_figures_3_and_4_are_points_lost_against_all_layers():
    rows = [
        *ablation("freeze", "mnli", "accuracy", {None: 0.84, 8: 0.835, 10: 0.83, 12: 0.6}),
        *ablation("freeze", "squad", "f1", {None: 88.0, 8: 87.0, 10: 80.0}),
        *ablation("freeze", "dep", "las", {None: 94.0, 8: 90.0, 10: 80.0}),
        *ablation("truncate", "mnli", "accuracy", {1: 0.7, 3: 0.83}),
        *ablation("truncate", "squad", "f1", {1: 20.0, 5: 87.0}),
        *ablation("truncate", "dep", "las", {1: 70.0, 3: 85.0}),
    ]
    assert verdicts(figure3(rows, MODELS)) == ["same direction"] * 3
    assert verdicts(figure4(rows, MODELS)) == ["same direction"] * 3
    assert figure3(rows, MODELS)[0].ours == "k = 8: -0.5, k = 10: -1.0 points"
    worse = [{**row, "value": row["value"] * (0.9 if row["n_layers"] in {3, 5, 8} else 1)} for row in rows]
    assert verdicts(figure3(worse, MODELS))[0] == "differs"
    assert verdicts(figure4(worse, MODELS))[:2] == ["differs", "differs"]
    assert verdicts([*figure3([], MODELS), *figure4([], MODELS)]) == ["not there yet"] * 6


def test_syntax():
    about = {"kind": "distance", "split": "test", "layer": 12}
    rows = [{**about, "checkpoint": name, "spearman": value}
            for name, value in (("base", 0.7), ("n", 0.68), ("q", 0.65), ("d", 0.8))]  # fmt: skip
    assert verdicts(figure1(rows, MODELS)) == ["same direction"] * 2
    assert (
        verdicts(figure1([{**row, "spearman": -row["spearman"]} for row in rows], MODELS)) == ["differs"] * 2
    )
    codes = [{"task": "dependencies", "checkpoint": name, "codelength_bits": bits}
             for name, bits in (("base", 100.0), ("n", 101.0), ("q", 99.0), ("d", 80.0))]  # fmt: skip
    assert verdicts(appendix_b(codes, MODELS)) == ["same direction"] * 2


def probes(mode, **scores):
    about = {"task": "pos", "mode": mode, "split": "test"}
    return [{**about, "checkpoint": name, "micro_f1_all": f1} for name, f1 in scores.items()]


def test_table_1_with_lexical_and_randomized():
    rows = [*probes("mix", base=0.97, n=0.96, d=0.90, r0=0.80, r1=0.84), *probes("lexical", base=0.88)]
    found = table1(rows, MODELS)
    assert verdicts(found) == ["differs", "same direction", *["not there yet"] * 14]
    assert found[0].ours == "F1 97.0; MNLI -1.0, Dep -7.0"
    assert found[1].ours == "Lexical -9.0, Randomized -15.0"
    turned = [*probes("mix", base=0.97, n=0.96, d=0.96, r0=0.90), *probes("lexical", base=0.88)]
    assert verdicts(table1(turned, MODELS))[:2] == ["same direction", "differs"]


def test_appendix_a_compares_the_last_layer_with_the_mix():
    mix = probes("mix", base=0.97, n=0.96, d=0.98)
    rows = [*mix, *probes("top", base=0.95, n=0.90, d=0.961)]
    assert verdicts(appendix_a(rows, MODELS)) == ["same direction", "not there yet", "differs"]
    assert appendix_a(rows, MODELS)[0].ours == "last layer pos -5.0"
    assert verdicts(appendix_a(mix, MODELS)) == ["not there yet"] * 3


def test_what_was_not_learned_is_not_judged():
    rows = [{"task": "mnli", "metric": "accuracy", "checkpoint": name, "value": value}
            for name, value in (("n", 0.4), ("(majority)", 0.33))]  # fmt: skip
    lacking = unlearned(rows, MODELS)
    assert list(lacking) == ["mnli"]
    found = figure5([*rsa("n", falling(9, 0.3)), *rsa("n", falling(9, 0.5), "nli-inputs")], MODELS)
    assert verdicts(only_learned(found, lacking)) == ["not comparable", "not there yet"]
    assert verdicts(only_learned(found, {})) == ["same direction", "not there yet"]
    baselines = [*probes("mix", base=0.97, n=0.96, r0=0.80), *probes("lexical", base=0.88)]
    told = only_learned(table1(baselines, MODELS), lacking)[:2]
    assert verdicts(told) == ["not comparable", "same direction"]  # the second is about no task's model


def test_a_seed_that_failed_has_no_part_in_a_verdict():
    def scores(**values):
        about = {"task": "mnli", "metric": "accuracy", "corpus": "nli-dev"}
        return [{**about, "checkpoint": name, "value": value} for name, value in values.items()]

    two = replace(MODELS, task_of={**MODELS.task_of, "n2": "mnli"}, base_of={**MODELS.base_of, "n2": "base"})
    floor = {"(majority)": 0.33}
    failed = failed_seeds(scores(n=0.75, n2=0.34, **floor), two)
    assert failed == {"n2": "accuracy 0.34, the majority's answer 0.33"}
    assert failed_seeds(scores(n=0.35, n2=0.34, **floor), two) == {}  # the task was not learned at all
    rows = [*rsa("n", falling(9, 0.3)), *rsa("n2", falling(9, 0.9)), *rsa("n", falling(9, 0.5), "nli-inputs")]
    (one, _), (both, _) = figure5(without(rows, failed), two), figure5(rows, two)
    assert (one.verdict, both.verdict) == ("same direction", "differs")
    told = told_failed(one, failed, two)
    assert told.reason.endswith("without n2 (accuracy 0.34, the majority's answer 0.33): not learned")

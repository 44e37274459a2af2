"""Findings of a study's sections: what stands for full fine-tuning where no point of an ablation does."""

from analyses.paper.finding import Models
from jobs.reporting.judge import findings, findings_of
from jobs.reporting.section import Section

MODELS = Models(task_of={"q": "squad"}, base_of={"q": "base"}, n_layers=12)


def section(kind, name, rows, **provenance):
    return Section(
        kind=kind, name=name, result_id="0", rows=tuple(rows), texts=(), figures=(), provenance=provenance
    )


def points(scores):
    return [
        {"kind": "freeze", "task": "squad", "metric": "f1", "n_layers": k, "seed": 0, "value": value}
        for k, value in scores.items()
    ]


def frozen(scores):
    block = {"task": "squad", "dev": "qa-dev", "base": "base"}
    return section("ablation", "figure3-qa", points(scores), block=block)


def scored(corpus, value):
    about = {"task": "squad", "metric": "f1", "corpus": corpus}
    rows = [{**about, "checkpoint": "q", "value": value}, {**about, "checkpoint": "(majority)", "value": 1.0}]
    return section("task_score", "qa-sN", rows)


def squad_of(sections):
    return next(
        one for one in findings(sections, MODELS) if one.exhibit == "Figure 3" and "SQuAD" in one.statement
    )


def test_a_fine_tuned_model_stands_for_full_fine_tuning_and_is_named():
    found = squad_of([frozen({9: 60.0}), scored("qa-dev", 80.0)])
    assert (found.verdict, found.ours) == ("same direction", "k = 9: -20.0 points")
    assert found.reason.endswith("all layers (SQuAD): the study's fine-tuned models")


def test_it_does_not_where_a_point_is_there_or_the_corpus_is_another():
    own = squad_of([frozen({None: 61.0, 9: 60.0}), scored("qa-dev", 80.0)])
    assert (own.verdict, own.ours) == ("differs", "k = 9: -1.0 points")
    assert "fine-tuned models" not in own.reason
    assert squad_of([frozen({9: 60.0}), scored("qa-test", 80.0)]).verdict == "not there yet"


def test_a_seed_that_failed_is_no_full_fine_tuning_and_is_named_where_rows_of_it_are():
    tasks = {"q": "squad", "q2": "squad", "n": "mnli", "d": "dep"}
    two = Models(task_of=tasks, base_of=dict.fromkeys(tasks, "base"), n_layers=12)
    about = {"task": "squad", "metric": "f1", "corpus": "qa-dev"}
    rows = [{**about, "checkpoint": name, "value": f1} for name, f1 in
            (("q", 80.0), ("q2", 2.0), ("(majority)", 1.0))]  # fmt: skip
    alike = {"measure": "rsa", "corpus": "wikipedia", "checkpoint_a": "base"}
    values = {"q": 0.97, "q2": 0.1, "n": 0.9, "d": 0.8}
    moved = [{**alike, "checkpoint_b": name, "layer_a": k, "layer_b": k, "value": value}
             for name, value in values.items() for k in range(13)]  # fmt: skip
    sections = [
        frozen({9: 60.0}),
        section("task_score", "qa-sN", rows),
        section("similarity", "figure2", moved),
    ]
    found = findings(sections, two)
    lost = next(one for one in found if one.exhibit == "Figure 3" and "SQuAD" in one.statement)
    assert lost.ours == "k = 9: -20.0 points"
    like = next(one for one in found if one.statement.startswith("SQuAD stays like the base"))
    assert (like.verdict, like.ours) == ("same direction", "0.970 at layer 7")
    assert like.reason.endswith("without q2 (f1 2, the majority's answer 1): not learned")
    single = next(one for one in found if one.exhibit == "Single sentences")
    assert "not learned" not in single.reason  # no row of it is there


def test_a_section_says_what_is_said_of_its_own_task():
    def probed(task, **scores):
        about = {"task": task, "mode": "mix", "split": "test"}
        rows = [{**about, "checkpoint": name, "micro_f1_all": f1} for name, f1 in scores.items()]
        return section("edge_probe", f"table1-{task}", rows)

    sections = [probed("pos", base=0.97, q=0.96), probed("srl", base=0.9, q=0.8)]
    found = findings(sections, MODELS)
    told = [[one.statement.split(":")[0] for one in findings_of(item, found)] for item in sections]
    assert told == [["pos"], ["srl"]]

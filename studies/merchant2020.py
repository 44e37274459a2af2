"""Writes the study of the whole paper (Merchant et al. 2020), a file a profile: merchant2020-PROFILE.toml.

    python studies/merchant2020.py

Everything that the profiles share is said here once: corpora, tasks, analyses. `small` runs on slices in
minutes and its scores mean nothing; `medium` and `full` run on openly licensed data with a MiniLM; `paper` is
the paper's setting, BERT-base and three pre-training seeds on data that the user brings, and never ran here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from merchant2020_spans import EDGE_TASKS, LICENSED_TASKS, licensed_texts, open_texts, tree_labels
from merchant2020_toml import Keys, table

DATA, MODELS = "${ACTSTORE_DATA}", "${ACTSTORE_MODELS:-../models}"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What tells the profiles apart."""

    about: str
    seeds: tuple[int, ...]
    limits: Keys
    """Examples of a corpus; all of it where it is not named."""
    recipes: Mapping[str, Keys]
    """Of each task's trainings."""
    freeze: tuple[int | str, ...]
    truncate: tuple[int, ...]
    ablation_seeds: tuple[int, ...]
    tokens: int
    probe: Keys
    edge: Keys
    mdl: Keys
    words: Keys
    steps: tuple[int, ...]
    open_data: bool = True


SMALL_LIMITS = {
    "ewt-train": 96, "ewt-dev": 32, "ewt-test": 48, "nli-train": 96, "nli-dev": 48, "qa-train": 32,
    "qa-dev": 32, "nli-inputs": 48, "nli-premises": 48, "qa-inputs": 32, "qa-questions": 32, "wikipedia": 60,
    **{f"{text}-{split}": 32 for text in ("gum", "relations") for split in ("train", "dev", "test")},
}  # fmt: skip
INPUTS = {"nli-inputs": 1000, "nli-premises": 1000, "qa-inputs": 200, "wikipedia": 2000}
"""What RSA draws its 5,000 tokens from; every checkpoint runs over it."""
MEDIUM_LIMITS = {"ewt-train": 4000, "relations-train": 3000, "nli-train": 8000, "qa-train": 2000, **INPUTS}
DEP = {"learning_rate": 2e-4, "head_rate": 10.0, "batch_size": 32}
NLI = {"learning_rate": 1e-4, "batch_size": 32}
QA = {"learning_rate": 1e-4, "batch_size": 16}


def recipes(dep: int, nli: int, qa: int) -> dict[str, Keys]:
    """What trains a MiniLM, by epochs."""
    return {"dep": {"epochs": dep, **DEP}, "mnli": {"epochs": nli, **NLI}, "squad": {"epochs": qa, **QA}}


PROFILES = {
    "small": Profile(
        about="slices of the open data: the whole way in minutes; the scores mean nothing",
        seeds=(0, 1), limits=SMALL_LIMITS, recipes=recipes(1, 1, 1), freeze=("none", 3, 6), truncate=(2,),
        ablation_seeds=(0,), tokens=500, steps=(0, 2),
        probe={"rank": 32, "epochs": 2, "layers": [0, 3, 6]}, edge={"max_steps": 20, "hidden": 64},
        mdl={"tasks": ["pos", "dependencies"], "max_steps": 20, "hidden": 64}, words={"epochs": 2},
    ),
    "medium": Profile(
        about="parts of the open data, three seeds: a night on two cores",
        seeds=(0, 1, 2), limits=MEDIUM_LIMITS, recipes=recipes(5, 2, 2), freeze=("none", 2, 4, 5, 6),
        truncate=(1, 2, 4), ablation_seeds=(0,), tokens=5000, steps=(0, 10, 50, 100, 250),
        probe={"rank": 128}, edge={"max_steps": 1000, "validate_every": 200, "learning_rate": 1e-3},
        mdl={"tasks": ["pos", "dependencies"], "max_steps": 2000}, words={"epochs": 5},
    ),
    "full": Profile(
        about="all of the open data, every layer, three seeds: days on two cores, to be stopped and resumed",
        seeds=(0, 1, 2), limits=INPUTS, recipes=recipes(10, 4, 3), freeze=("none", *range(7)),
        truncate=tuple(range(7)), ablation_seeds=(0, 1, 2), tokens=5000,
        steps=(0, 10, 50, 100, 250, 500, 1000, 2000), probe={},
        edge={"seeds": (0, 1, 2), "max_steps": 3000, "learning_rate": 3e-4}, mdl={}, words={},
    ),
    "paper": Profile(
        about="the paper's setting on GPUs: MultiBERTs, MNLI, SQuAD and EWT; it has never run here",
        seeds=(0, 1, 2), limits=INPUTS, freeze=("none", *range(13)), truncate=tuple(range(13)),
        recipes={
            "dep": {"epochs": 20, "learning_rate": 3e-5}, "mnli": {"epochs": 3, "learning_rate": 2e-5},
            "squad": {"epochs": 2, "learning_rate": 3e-5},
        },
        ablation_seeds=(0, 1, 2), tokens=5000, steps=(0, 10, 100, 1000, 5000, 10000), probe={},
        edge={"seeds": (0, 1, 2)}, mdl={}, words={}, open_data=False,
    ),
}  # fmt: skip
SHORT = {"dep": "dep", "mnli": "nli", "squad": "qa"}
SPLITS = {"dep": ("ewt-train", "ewt-dev"), "mnli": ("nli-train", "nli-dev"), "squad": ("qa-train", "qa-dev")}


def study(name: str) -> str:
    """The text of a profile's study file."""
    profile = PROFILES[name]
    head = [
        "# What happens to BERT embeddings during fine-tuning? (Merchant et al. 2020), as one study.",
        f"# Profile {name}: {profile.about}.",
        f"#   actstore plan studies/merchant2020-{name}.toml      what it takes",
        f"#   actstore run studies/merchant2020-{name}.toml       all of it; what is there is skipped",
        f"#   actstore report studies/merchant2020-{name}.toml    every figure and table beside the paper's",
        "# Made by studies/merchant2020.py: change that. What the variables name: docs/howto/paper.md.",
        "",
        f'store = "${{ACTSTORE_PAPER:-../runs/merchant2020-{name}}}"',
    ]
    parts = [
        *_checkpoints(profile), table("extract", {"dtype": "float16"}), *_corpora(profile),
        *_trainings(profile), *_similarities(profile), *_probes(profile), *_ablations(profile),
    ]  # fmt: skip
    return "\n".join([*head, *parts]) + "\n"


def _checkpoints(profile: Profile) -> list[str]:
    if not profile.open_data:
        given = {"name": "base-{seed}", "model": "google/multiberts-seed_{seed}", "seed": profile.seeds}
        start = {
            "name": "random-{seed}",
            "model": "google/multiberts-seed_{seed}-step_0k",
            "seed": profile.seeds,
        }
        return [table("[checkpoint]", given), table("[checkpoint]", start)]
    model = f"{MODELS}/all-MiniLM-L6-v2"
    random = {"name": "random-{seed}", "model": model, "init": "random", "seed": (0, 1), "base": "base"}
    return [table("[checkpoint]", {"name": "base", "model": model}), table("[checkpoint]", random)]


def _corpora(profile: Profile) -> list[str]:
    ewt: Keys = {"format": "conllu", "max_length": 256, "domain": "web"}
    if profile.open_data:
        ewt = {**ewt, "labels": tree_labels()}
    nli, qa = (
        {"max_length": 128, "domain": "nli"},
        {"format": "squad", "max_length": 384, "domain": "questions"},
    )
    found: dict[str, Keys] = {
        "ewt-train": {"path": f"{DATA}/ud_ewt/en_ewt-ud-train.conllu.gz", **ewt},
        "ewt-dev": {"path": f"{DATA}/ud_ewt/en_ewt-ud-dev.conllu", **ewt},
        "ewt-test": {"path": f"{DATA}/ud_ewt/en_ewt-ud-test.conllu", **ewt},
    }
    if profile.open_data:
        train, dev = (f"{MODELS}/texts/snli-{split}.jsonl" for split in ("train", "test"))
        found |= {
            "nli-train": {"path": train, "format": "snli", **nli},
            "nli-dev": {"path": dev, "format": "snli", **nli},
        }
        qa_paths = [f"{DATA}/squad_format/{name}.json" for name in ("new_wiki_v1.0", "xquad.en")]
    else:
        paths = [f"{DATA}/multinli_1.0/multinli_1.0_{split}.jsonl" for split in ("train", "dev_matched")]
        found |= {
            f"nli-{split}": {"path": path, "format": "mnli", **nli}
            for split, path in zip(("train", "dev"), paths, strict=True)
        }
        qa_paths = [f"{DATA}/squad/{split}-v1.1.json" for split in ("train", "dev")]
    found |= {"qa-train": {"path": qa_paths[0], **qa}, "qa-dev": {"path": qa_paths[1], **qa}}
    found |= {
        "nli-inputs": found["nli-dev"],
        "nli-premises": {**found["nli-dev"], "part": "a"},
        "qa-inputs": found["qa-dev"],
        "qa-questions": {**found["qa-dev"], "part": "a"},
    }
    found["wikipedia"] = {
        "path": f"{DATA}/wikitext2/wikitext-test.raw.txt", "format": "text", "domain": "wikipedia",
        "detokenize": "wikitext", "split_into": "sentences",
    }  # fmt: skip
    found |= open_texts() if profile.open_data else licensed_texts()
    return [
        table(
            "[corpus]",
            {"name": name, **keys, **({"limit": profile.limits[name]} if name in profile.limits else {})},
        )
        for name, keys in found.items()
    ]


def _base(profile: Profile, seed: object = "{seed}") -> str:
    return "base" if profile.open_data else f"base-{seed}"


def _trainings(profile: Profile) -> list[str]:
    out = []
    for task, (train, dev) in SPLITS.items():
        keys = {"task": task, "base": _base(profile), "train": train, "dev": dev}
        test = {"test": ["ewt-test"]} if task == "dep" else {}
        out.append(table("[finetune]", {"name": f"{SHORT[task]}-s{{seed}}", **keys, "seeds": profile.seeds,
                                         **profile.recipes[task], **test}))  # fmt: skip
    keys = {"task": "mnli", "base": _base(profile, 0), "train": "nli-train", "dev": "nli-dev", "seeds": (0,)}
    steps = {**profile.recipes["mnli"], "save_steps": profile.steps}
    return [
        *out,
        table("[finetune]", {"name": "nli-steps", **keys, **steps}, "a series of steps of one training"),
    ]


def _similarities(profile: Profile) -> list[str]:
    pairs = {
        short: [[_base(profile, seed), f"{short}-s{seed}"] for seed in profile.seeds]
        for short in SHORT.values()
    }
    randoms = [
        [_base(profile, seed), f"random-{seed}"] for seed in ((0, 1) if profile.open_data else profile.seeds)
    ]
    floor = [[f"{short}-s0", f"{short}-s{seed}"] for short in SHORT.values() for seed in profile.seeds[1:]]
    if not profile.open_data:
        floor += [[_base(profile, 0), _base(profile, seed)] for seed in profile.seeds[1:]]
    steps = [[_base(profile, 0), name] for name in _steps(profile)]
    common = {"measures": ["rsa"], "tokens": profile.tokens, "resamples": 200}
    every = [*pairs["dep"], *pairs["nli"], *pairs["qa"], *randoms]
    two = [*pairs["nli"], *pairs["qa"]]
    asked = (
        ("figure2", every, ["wikipedia"], "Figure 2: each task's models against their base, on Wikipedia"),
        ("figure5", two, ["nli-inputs", "qa-inputs", "wikipedia"],
         "Figure 5: inputs of the task and of others"),
        ("single-sentence", two, ["nli-inputs", "nli-premises", "qa-inputs", "qa-questions"],
         "footnote 10: one sentence of a pair alone"),
        ("seed-floor", floor, ["wikipedia"], "how alike two seeds are: less change than that is none"),
        ("steps", steps, ["wikipedia"], "when a training changes what"),
    )  # fmt: skip
    blocks = [
        table("[similarity]", {"name": n, "pairs": p, "corpora": c, **common}, told)
        for n, p, c, told in asked
    ]
    return [*blocks, table("[drift]", {"name": "steps-drift", "pairs": steps, "corpora": ["wikipedia"]})]


def _steps(profile: Profile) -> list[str]:
    """The saved steps of one training, and its end."""
    return [*(f"nli-steps-step{step}" for step in profile.steps), "nli-steps"]


def _probes(profile: Profile) -> list[str]:
    checkpoints = [
        _base(profile, 0),
        "random-0",
        *(f"{short}-s{seed}" for seed in profile.seeds for short in SHORT.values()),
    ]
    splits = {"train": "ewt-train", "dev": "ewt-dev", "test": "ewt-test"}
    first = [_base(profile, 0), "random-0", "dep-s0", "nli-s0", "qa-s0"]
    tasks = EDGE_TASKS if profile.open_data else LICENSED_TASKS
    edge, mdl = {"tasks": list(tasks)}, {"tasks": list(tasks), **profile.mdl}
    randoms = [f"random-{seed}" for seed in ((1,) if profile.open_data else profile.seeds[1:])]
    trained = [one for one in checkpoints if not one.startswith("random")]
    return [
        table("[structural_probe]", {"name": "figure1", **splits, "checkpoints": checkpoints,
                                      **profile.probe}, "Figure 1"),
        *(
            table(f"edge_tasks.{task}", {**{split: f"{text}-{split}" for split in splits}, "labels": labels})
            for task, (text, labels) in tasks.items()
        ),
        table("[edge_probe]", {"name": "table1", **edge, "checkpoints": [*checkpoints, *randoms],
                                "modes": ["mix"], **profile.edge}, "Table 1, with Randomized"),
        table("[edge_probe]", {"name": "table1-lexical", **edge, "checkpoints": [_base(profile, 0)],
                                "modes": ["lexical"], **profile.edge}, "Table 1: Lexical"),
        table("[edge_probe]", {"name": "appendix-a", **edge, "checkpoints": trained, "modes": ["top"],
                                **profile.edge}, "Appendix A: the last layer alone"),
        table("[mdl_probe]", {"name": "appendix-b", **mdl, "checkpoints": first, "modes": ["mix"]},
               "Appendix B: description length"),
        table("[word_probe]", {"name": "steps-probes", **splits, "checkpoints": _steps(profile),
                               "label": "upos", **profile.words}, "word classes, step by step"),
    ]  # fmt: skip


def _ablations(profile: Profile) -> list[str]:
    out = []
    asked = (
        ("figure3", "freeze", profile.freeze),
        ("figure4", "truncate", profile.truncate),
        ("frozen-stack", "truncate-frozen", profile.truncate),
    )
    for name, kind, layers in asked:
        for task, (train, dev) in SPLITS.items():
            what = {"name": f"{name}-{SHORT[task]}", "kind": kind, "task": task, "base": _base(profile, 0)}
            how = {"train": train, "dev": dev, "layers": layers, "seeds": profile.ablation_seeds}
            out.append(table("[ablation]", {**what, **how, **profile.recipes[task]}))
    return out


def main() -> None:
    """Write every profile's file."""
    for name in PROFILES:
        path = Path(__file__).with_name(f"merchant2020-{name}.toml")
        path.write_text(study(name), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

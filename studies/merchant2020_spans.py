"""What the paper's study labels spans of: the eight tasks of Table 1 and their texts, open and licensed."""

from merchant2020_toml import Keys

DATA = "${ACTSTORE_DATA}"
TREES, SPANS, RELATIONS = "ewt", "gum", "relations"
EDGE_TASKS = {
    "pos": (TREES, "xpos"), "constituents": (TREES, "constituents"), "dependencies": (TREES, "deprel"),
    "entities": (SPANS, "entities"), "srl": (TREES, "srl"), "coreference": (SPANS, "coreference"),
    "spr": (TREES, "spr"), "relations": (RELATIONS, "relations"),
}  # fmt: skip
"""Texts and label set of each task over open data."""
LICENSED = {task: ("ontonotes", task) for task in ("constituents", "entities", "srl", "coreference")}
LICENSED_TASKS = {**EDGE_TASKS, **LICENSED, "pos": ("ontonotes", "edges"), "spr": ("spr1", "edges")}


def tree_labels() -> Keys:
    """Label files of the English Web Treebank."""
    bank = {"path": f"{DATA}/propbank_ewt/ewt-gold_skel.tar.gz", "format": "propbank"}
    spr = {"path": f"{DATA}/spr2_ewt/protoroles_eng_udewt.tar.gz", "format": "spr2"}
    return {"constituents": bank, "srl": bank, "spr": spr}


def open_texts() -> dict[str, Keys]:
    """Texts of entities, coreference and relations."""
    gum = {"path": f"{DATA}/gum/gum-open.tar.gz", "format": "gum", "max_length": 256, "domain": "gum"}
    return {
        **{f"{SPANS}-{split}": {**gum, "split": split} for split in ("train", "dev", "test")},
        **_relations(),
    }


def _relations() -> dict[str, Keys]:
    keys = {"format": "semeval8", "max_length": 256, "domain": "semeval"}
    train = {"path": f"{DATA}/semeval2010_task8/TRAIN_FILE.TXT", **keys}
    test = {"path": f"{DATA}/semeval2010_task8/TEST_FILE_FULL.TXT", **keys}
    return {
        f"{RELATIONS}-train": {**train, "split": "train"},
        f"{RELATIONS}-dev": {**train, "split": "dev"},
        f"{RELATIONS}-test": test,
    }


def licensed_texts() -> dict[str, Keys]:
    """OntoNotes as one text with a label file a task, SPR1; jiant's JSON lines."""
    out: dict[str, Keys] = {}
    for split in ("train", "dev", "test"):
        files = {
            task: {"path": f"{DATA}/edges/{task}/{split}.json", "format": "edges"}
            for task in ("pos", "spr", *LICENSED)
        }
        out[f"ontonotes-{split}"] = {
            **files["pos"], "max_length": 512, "domain": "ontonotes",
            "labels": {task: files[task] for task in LICENSED},
        }  # fmt: skip
        out[f"spr1-{split}"] = {**files["spr"], "max_length": 512, "domain": "news"}
    return out | _relations()

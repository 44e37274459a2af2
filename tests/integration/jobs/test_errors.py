"""Bad input: one clear sentence, exit code 2, and nothing stored changes, be there a store or not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import transformers

from tests.support.commands import ALONE, Here
from tests.support.refused import check_both
from tests.support.studies import SmallStudy, sentence
from tests.support.tiny_models import POSITIONS

Case = Callable[[SmallStudy], SmallStudy]


def no_model(study: SmallStudy) -> SmallStudy:
    return study.checkpoint("tuned", model="./models/nowhere")


def no_hub_model(study: SmallStudy) -> SmallStudy:
    return study.checkpoint("tuned", model="no/where")


def no_tokenizer(study: SmallStudy) -> SmallStudy:
    (study.folder / "models/tuned/tokenizer.json").unlink()
    return study


def no_weights(study: SmallStudy) -> SmallStudy:
    (study.folder / "models/tuned/model.safetensors").unlink()
    return study


def pickled_weights(study: SmallStudy) -> SmallStudy:
    folder = study.folder / "models/tuned"
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return study


def cut_weights(study: SmallStudy) -> SmallStudy:
    path = study.folder / "models/tuned/model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    return study


def no_text(study: SmallStudy) -> SmallStudy:
    return study.corpus("text", path="no-such-text.txt")


def empty_text(study: SmallStudy) -> SmallStudy:
    (study.folder / "text.txt").write_text("\n\n")
    return study


def not_utf8(study: SmallStudy) -> SmallStudy:
    (study.folder / "text.txt").write_bytes(b"all is well\ncaf\xe9 au lait\n")
    return study


def long_text(study: SmallStudy) -> SmallStudy:
    text = "".join(f"{line}\n" for line in [sentence(1), " ".join(sentence(i) for i in range(40))])
    (study.folder / "long.txt").write_text(text)
    return study.corpus("long", path="long.txt", format="text", max_length=64, overflow="refuse")


def above_positions(study: SmallStudy) -> SmallStudy:
    return study.corpus("text", max_length=POSITIONS + 1)


def unknown_key(study: SmallStudy) -> SmallStudy:
    return study.corpus("text", max_lenght=32)


def duplicate_name(study: SmallStudy) -> SmallStudy:
    return study.only(["base"], ["text"], '[[checkpoint]]\nname = "base"\nmodel = "models/tuned"\n')


def dangling_name(study: SmallStudy) -> SmallStudy:
    return study.checkpoint("tuned", base="bass")


def unknown_site(study: SmallStudy) -> SmallStudy:
    return replace(study, extract={"sites": ["L00", "L07"]})


def broken_pairs(study: SmallStudy) -> SmallStudy:
    (study.folder / "pairs.tsv").write_text("just one column\nof text\n")
    return study


def broken_trees(study: SmallStudy) -> SmallStudy:
    (study.folder / "trees.conllu").write_text("1\tonly\ttwo\n\n")
    return study


def unknown_measure(study: SmallStudy) -> SmallStudy:
    return study.only(
        ["base", "tuned"], ["text"],
        '[[similarity]]\nname = "s"\nmeasures = ["cosine"]\ncorpora = ["text"]\n',
    )  # fmt: skip


def long_name(study: SmallStudy) -> SmallStudy:
    return study.checkpoint("a b", model="models/base")


def unknown_architecture(study: SmallStudy) -> SmallStudy:
    path = study.folder / "models/tuned/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "nonesuch"}))
    return study


def unhooked_architecture(study: SmallStudy) -> SmallStudy:
    """ALBERT has one layer that runs several times: there is no list of its layers."""
    config = transformers.AlbertConfig(
        vocab_size=400, embedding_size=16, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=POSITIONS,
    )  # fmt: skip
    transformers.AlbertModel(config).save_pretrained(study.folder / "models/tuned")
    return study


def further_labels(study: SmallStudy) -> SmallStudy:
    return study.only(
        ["base"], ["text"],
        '[[corpus]]\nname = "more"\npath = "text.txt"\nformat = "text"\nlabels = { srl = "s.jsonl" }\n',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "kind", "message"),
    [
        (no_model, "ModelError", "'tuned' ... no model folder ... models/nowhere ... name a folder with"),
        (no_hub_model, "ModelError", "'tuned': 'no/where' is no folder here ... or name a local folder"),
        (no_tokenizer, "ModelError", "models/tuned has no tokenizer ... save it there"),
        (no_weights, "ModelError", "models/tuned has no weights ... save the model"),
        (
            pickled_weights,
            "ModelError",
            "'tuned': ... as a pickle only ... convert it to safetensors ... allow_pickle = true in its",
        ),
        (
            cut_weights,
            "ModelError",
            "model.safetensors is no whole safetensors file ... fetch the model again",
        ),
        (no_text, "CorpusError", "corpus 'text': no corpus file at ... no-such-text.txt; check `path`"),
        (empty_text, "CorpusError", "text.txt holds no examples ... name a file with text in it"),
        (not_utf8, "CorpusError", "text.txt ... UTF-8"),
        (
            long_text,
            "CorpusError",
            "base over long: example 1 has ... max_length is 64 ... raise max_length",
        ),
        (
            above_positions,
            "ModelError",
            f"base over text: max_length = {POSITIONS + 1} ... at most {POSITIONS}",
        ),
        (unknown_key, "StudyError", 'unknown key "max_lenght" ... did you mean "max_length"?'),
        (duplicate_name, "StudyError", '"base": the name is given 2 times; rename all but one'),
        (dangling_name, "StudyError", 'base names the checkpoint "bass" ... did you mean "base"?'),
        (
            unknown_site,
            "ModelError",
            "base over text: site 'L07': the checkpoint has 3 layers; allowed are L00",
        ),
        (broken_pairs, "CorpusError", "pairs.tsv"),
        (broken_trees, "CorpusError", "trees.conllu"),
        (unknown_measure, "StudyError", 'measures[0] = "cosine": allowed are rsa'),
        (unknown_architecture, "ModelError", "'tuned' ... can not be loaded ... `nonesuch`"),
        (
            unhooked_architecture,
            "ModelError",
            "'tuned' ... AlbertModel is of no listed family ... families.py",
        ),
        (long_name, "StudyError", 'name = "a b" ... allowed are 1 to 100 letters, digits'),
        (further_labels, "CorpusError", "corpus 'more': no corpus file at ... s.jsonl"),
    ],
)
def test_a_study_that_can_not_be_run(
    here: Here, study: SmallStudy, extracted: Path, case: Case, kind: str, message: str
) -> None:
    check_both(here, case(study), extracted, ("extract", study.file, *ALONE), message, kind)

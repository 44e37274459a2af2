"""Tiny models of every family: random weights and a tokenizer trained here, saved as ordinary folders."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = (
    "The cat sat on the mat, and the dog did not care.",
    "A model is run once; its activations are stored and read again and again.",
    "What happens to the embeddings of a language model during fine-tuning?",
    "Café naïve résumé: accents are stripped by some tokenizers, not by others.",
    "Workers are killed, started again and killed once more; the bytes stay the same.",
    "She doesn't know that they've won't it, does she?",
)
VOCABULARY = 400
FAMILIES = ("bert", "mpnet", "roberta", "distilbert", "electra", "gpt2", "gpt_neox", "llama")
N_LAYERS, WIDTH, N_HEADS, INNER, POSITIONS = 3, 32, 4, 64, 64
_SIZES = {
    "num_hidden_layers": N_LAYERS,
    "hidden_size": WIDTH,
    "num_attention_heads": N_HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
}
_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", {"pad_token_id": 0}),
    "electra": ("ElectraConfig", {"pad_token_id": 0, "embedding_size": 16}),
    "mpnet": ("MPNetConfig", {"pad_token_id": 1, "max_position_embeddings": POSITIONS + 2}),
    "roberta": (
        "RobertaConfig",
        {
            "pad_token_id": 1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "max_position_embeddings": POSITIONS + 2,
            "type_vocab_size": 1,
        },
    ),
    "distilbert": (
        "DistilBertConfig",
        {
            "n_layers": N_LAYERS,
            "dim": WIDTH,
            "n_heads": N_HEADS,
            "hidden_dim": INNER,
            "pad_token_id": 0,
            "max_position_embeddings": POSITIONS,
        },
    ),
    "gpt2": (
        "GPT2Config",
        {
            "n_layer": N_LAYERS,
            "n_embd": WIDTH,
            "n_head": N_HEADS,
            "n_positions": POSITIONS,
            "bos_token_id": 0,
            "eos_token_id": 0,
        },
    ),
    "gpt_neox": ("GPTNeoXConfig", {"bos_token_id": 0, "eos_token_id": 0}),
    "llama": ("LlamaConfig", {"num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 0}),
}
_OWN_SIZES = ("distilbert", "gpt2")


def make_tiny_model(folder: Path, family: str, seed: int = 0, head: str = "Model", **config: Any) -> Path:
    """Save a random model of a family with its tokenizer in `folder`, and return it.

    `head`: the model's class without its family's name, as 'ForMaskedLM'. `config`: further fields.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_model(family, seed, head, **config)
    model.save_pretrained(folder)
    tiny_tokenizer(family).save_pretrained(folder)
    return folder


def tiny_model(family: str, seed: int = 0, head: str = "Model", **config: Any) -> Any:
    """A random model of a family, larger spread than a trained one's start so that layers differ clearly."""
    name, own = _CONFIGS[family]
    sizes = {} if family in _OWN_SIZES else _SIZES
    settings = getattr(transformers, name)(
        **{"vocab_size": VOCABULARY, "initializer_range": 0.2, **sizes, **own, **config}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, name.replace("Config", head))(settings)
        for _, parameter in model.named_parameters():
            if parameter.ndim == 1:  # biases and norms too, so that none of them is a constant
                parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def tiny_tokenizer(family: str) -> Any:
    """The kind of tokenizer that the family has: WordPiece with a template, or byte-level BPE."""
    if family in ("bert", "distilbert", "electra"):
        return _fast(
            _word_piece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]"), "[UNK]", "[PAD]"
        )
    if family == "mpnet":
        return _fast(
            _word_piece(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], "<s>", "</s>", double=True),
            "[UNK]",
            "<pad>",
        )
    if family == "roberta":
        tokenizer = _byte_pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
        tokenizer.post_processor = processors.RobertaProcessing(
            ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
        )
        return _fast(tokenizer, None, "<pad>")
    tokenizer = _byte_pairs(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if family == "llama":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", pair="<|endoftext|> $A $B", special_tokens=[("<|endoftext|>", 0)]
        )
    return _fast(tokenizer, None, None)


def _word_piece(special: list[str], first: str, last: str, *, double: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    middle, second = (f"{last} {last}", 0) if double else (last, 1)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {middle} $B:{second} {last}:{second}",
        special_tokens=[(first, special.index(first)), (last, special.index(last))],
    )
    return tokenizer


def _byte_pairs(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def _fast(tokenizer: Tokenizer, unknown: str | None, padding: str | None) -> Any:
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=unknown, pad_token=padding, model_max_length=POSITIONS
    )

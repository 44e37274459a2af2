"""ABOUT: what each kind of result is, for someone who has not seen the code; and a count of verdicts."""

from collections import Counter
from collections.abc import Sequence

from analyses.paper.finding import Finding

ABOUT = {
    "similarity": "How alike two models see the same tokens, layer by layer (layer 0: the embeddings). RSA "
    "compares all distances between tokens: 1 is the same geometry, 0 none in common.",
    "drift": "How far each token moved between two models: the cosine of its two activations (1: it did not "
    "turn) and, in brackets, the length of their difference over the length of the first.",
    "structural_probe": "Whether a linear map of a layer has the sentence's dependency tree in it: Spearman "
    "correlation of distances in the map with distances in the tree, and of lengths with depths.",
    "edge_probe": "Small networks that label words, spans or their pairs from stored activations; micro-F1.",
    "word_probe": "Classifiers of single words from one layer's frozen activations.",
    "mdl_probe": "How many bits it takes to send the labels to someone who has the activations: fewer, the "
    "easier they are to read out.",
    "task_score": "What the fine-tuned models score on their tasks, and what the commonest answer would.",
    "ablation": "What a task loses when the first layers stay the base's (freeze), or when only the first "
    "layers are kept (truncate).",
}
"""By the kind of a result."""


def counted_verdicts(findings: Sequence[Finding]) -> str:
    """'9 same direction, 4 differs, ...', the commonest first."""
    counts = Counter(one.verdict for one in findings)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())

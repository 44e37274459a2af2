"""The nouns of the store: frozen records, Arrow schemas and ports. Knows no file, no model and no cluster.

Shape suffixes, one legend for the whole project:
N examples (or items)   S sequences (an example's windows)   T tokens   W words   R rows of a shard
D width   L layers   P item pairs   K classes   N1 = N + 1 offsets.   `value_TD`, `offset_N1`, `gram_DD`.
"""

import hashlib
import json
from typing import Any

ID_LENGTH = 20
"""Hex digits of an id: 80 bits, so 10^9 ids collide with a probability below 10^-6."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no white space, so that equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_id(value: Any) -> str:
    """The id of a JSON value: the first digits of the sha256 of its canonical form."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:ID_LENGTH]

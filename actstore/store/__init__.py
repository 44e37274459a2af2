"""The store: where every byte lies, how it gets there once, how it is read. Knows no model, no cluster."""

from actstore.store import bfloat16 as _bfloat16

_bfloat16.register()

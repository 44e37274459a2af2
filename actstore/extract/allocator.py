"""The C allocator of a worker: one heap for all its threads, so that what it keeps is kept once.

glibc gives each thread a heap of its own and returns little of it. Units in hand, casting and writing are
threads, so a worker held about 1.5 times the memory, with nothing won: large blocks are rarely asked for at
the same moment. Pages stay in the heap; giving each back costs a fifth of the speed.
"""

import ctypes

M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def share_one_heap() -> bool:
    """Have threads that begin from now on share the main heap. False where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_ARENA_MAX, 1))

"""How a service is set up travels to replicas and into tracebacks."""

import pickle

from jobs.serving import ServiceOptions

TOKEN = "a-token-of-some-length"


def test_options_do_not_show_the_token() -> None:
    options = ServiceOptions(store="store", token=TOKEN, working=2)
    assert TOKEN not in f"{options} {options!r}"
    assert pickle.loads(pickle.dumps(options)).token == TOKEN

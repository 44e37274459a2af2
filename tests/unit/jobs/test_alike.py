"""Lines that say the same of several things are one line."""

from jobs.alike import rows_once, said_once, split


def test_what_is_said_of_one_names_it() -> None:
    assert said_once([("checkpoint 'a'", "no weights")], "checkpoints") == ["checkpoint 'a': no weights"]


def test_what_is_said_of_many_is_said_once() -> None:
    pairs = [(f"checkpoint 'a{i}'", "no weights") for i in range(1000)]
    (line,) = said_once(pairs, "checkpoints")
    assert line == "1,000 checkpoints ('a0', 'a1', 'a2', ...): no weights"


def test_lines_keep_their_order() -> None:
    pairs = [("a over x", "pays"), ("a over y", "never pays"), ("b over x", "pays")]
    assert said_once(pairs, "runs") == ["2 runs (a over x, b over x): pays", "a over y: never pays"]


def test_a_line_is_split_at_its_first_colon() -> None:
    assert split("checkpoint 'a': no weights: sizes are guessed") == (
        "checkpoint 'a'",
        "no weights: sizes are guessed",
    )


def test_many_rows_that_differ_by_name_alone_are_one() -> None:
    rows = [[f"c{i}", "text", "0 of 2" if i else "2 of 2"] for i in range(1000)]
    assert rows_once(rows, "checkpoints", 1000) == rows
    assert rows_once(rows, "checkpoints", 999) == [
        ("c0", "text", "2 of 2"),
        ("999 checkpoints (c1, c2, c3, ...)", "text", "0 of 2"),
    ]

"""A group's figures by hand: how much is left a worker, when its workers end it, and what to open next."""

from collections import deque

from actstore.plan.group import Group, urgency
from actstore.schema.ports import Unit


def group(n_pending: int, *, weight: float = 2.0, flying: float = 0.0, workers: int = 1) -> Group:
    return Group(
        pending=deque(Unit(key=str(number), group="g", weight=weight) for number in range(n_pending)),
        pending_weight=weight * n_pending,
        flying_weight=flying,
        workers=workers,
    )


def test_a_new_group_weighs_nothing() -> None:
    assert (Group().pending_weight, Group().flying_weight, Group().workers) == (0.0, 0.0, 0)


def test_units_in_hand_count_as_half_done() -> None:
    assert group(6, flying=4.0, workers=2).share == (12.0 + 2.0) / 2


def test_a_group_ends_after_its_rounds() -> None:
    """Five units of 2 by three workers are two rounds, after half of what each has in hand."""
    assert group(5, flying=12.0, workers=3).ends_after == 12.0 / 2 / 3 + 2 * 2.0
    assert group(6, flying=0.0, workers=3).ends_after == 4.0


def test_the_largest_that_nobody_works_on_comes_first_then_where_most_is_left() -> None:
    groups = {
        "small": group(1, workers=0),
        "large": group(2, workers=0),
        "shared": group(90, workers=3),
        "alone": group(40, workers=1),
    }
    assert [name for name, _ in sorted(groups.items(), key=urgency, reverse=True)] == [
        "large",
        "small",
        "alone",
        "shared",
    ]


def test_two_of_a_place_may_try_and_three_places() -> None:
    tried = Group(refused={"here": {"a"}})
    assert not tried.may_open("a", "here")
    assert tried.may_open("b", "here")
    assert tried.may_open("a", "there")
    assert not Group(refused={"here": {"a", "b"}}).may_open("c", "here")
    places = {name: {name} for name in "abc"}
    assert Group(refused=places).opens_nowhere
    assert not Group(refused=places, opens=True).opens_nowhere
    assert not Group(refused={"a": {"a"}, "b": {"b"}}).opens_nowhere

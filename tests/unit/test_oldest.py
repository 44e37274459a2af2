"""The constraints that the oldest supported versions are tested with."""

import tomllib

import pytest

from tests.oldest.bounds import PYPROJECT, USERS, oldest

PROJECT = {
    "name": "mine",
    "dependencies": ["numpy>=2.0", "ray[default]>=2.60", "torch>=2.6"],
    "optional-dependencies": {
        **{name: [] for name in USERS},
        "serve": ["fastapi>=0.133"],
        "replicas": ["mine[serve]", "ray[serve]>=2.60"],
        "dev": ["pytest>=8.3"],
    },
}


def test_bounds_of_what_users_install():
    assert oldest(PROJECT) == ["fastapi==0.133", "numpy==2.0", "ray==2.60", "torch==2.6"]
    assert oldest(PROJECT, ["torch==2.13.0+cpu"])[-1] == "torch==2.13.0+cpu"


def test_a_requirement_without_a_bound_is_refused():
    with pytest.raises(ValueError, match="numpy has no lower bound"):
        oldest({**PROJECT, "dependencies": ["numpy"]})


def test_ours_all_have_one():
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert {item.partition("==")[0] for item in oldest(project)} >= {
        "torch",
        "ray",
        "zarr",
        "duckdb",
        "fastapi",
    }

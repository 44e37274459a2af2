"""What a node proves of an object store before work: the driver's object is there, and it can write."""

import uuid

import pytest

from actstore.cluster.probes import BucketProbe, missing, probe_object, renew
from actstore.store.places import open_objects
from actstore.store.repair import plan_gc, remove
from actstore.store.root import create_root
from tests.support.s3_server import S3Server, environment, variables


@pytest.fixture
def url(s3: S3Server) -> str:
    return s3.url(f"probes/{uuid.uuid4().hex}")


def test_a_node_that_sees_and_writes_lacks_nothing(url: str) -> None:
    objects = open_objects(url)
    with probe_object(objects) as probe:
        assert missing([probe]) is None
        assert [info.key for info in objects.walk("")] == [probe.key], "what the node wrote is gone again"
    assert list(objects.walk("")) == []


def test_a_node_that_sees_another_bucket_is_named(url: str) -> None:
    with probe_object(open_objects(url)) as probe:
        other = BucketProbe(f"{url}-other", probe.key)
        assert "does not see" not in (lack := missing([other]) or "")
        assert "what the driver wrote there is not there" in lack
        gone = BucketProbe(url.replace("bucket/", "nowhere/", 1), probe.key)
        assert missing([gone]) is not None


def test_a_node_with_other_credentials_is_named(url: str, s3: S3Server) -> None:
    with probe_object(open_objects(url)) as probe:
        mine = {**environment(s3.endpoint), "AWS_SECRET_ACCESS_KEY": "another"}
        with variables(mine):
            assert "refuses these credentials" in (missing([probe]) or "")


def test_a_gc_in_a_long_run_costs_no_node(url: str) -> None:
    objects = create_root(url)
    with probe_object(objects) as probe:
        remove(objects, plan_gc(objects, grace_seconds=-10))
        assert missing([probe]) is not None
        renew(probe)  # as before each question to a worker
        assert missing([probe]) is None

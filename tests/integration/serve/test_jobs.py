"""Jobs through the service: a study that lies with it is run, followed and stopped; others are refused."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from actstore.serve.jobs import ENDED, JobRequest
from actstore.store.root import create_root
from jobs.runners.local import LocalRunner
from jobs.runners.studies import StudyFolder
from tests.support.served import engine, http_address
from tests.support.studies import SmallStudy, make_study

WAIT_SECONDS = 180


@dataclass(frozen=True)
class Service:
    """A service with a folder of studies."""

    address: str
    studies: Path
    study: SmallStudy

    def post(self, path: str = "", **job: Any) -> httpx.Response:
        return httpx.post(f"{self.address}/v1/jobs{path}", json=job, timeout=30)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.address}/v1/jobs{path}", timeout=30).json()

    def ended(self, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.get(f"/{job_id}")
            if told["state"] in ENDED:
                return told
            time.sleep(0.2)
        raise TimeoutError(job_id)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    study = make_study(tmp_path / "studies").only(["base"], ["text"])
    study.write()
    objects = create_root(str(tmp_path / "store"))
    runner = LocalRunner(
        StudyFolder(tmp_path / "studies", objects.url), tmp_path, ("--ray-address", "none", "--workers", "1")
    )
    with http_address(engine(objects), token=None, runner=runner) as address:
        yield Service(address, tmp_path / "studies", study)
    runner.close()


@pytest.mark.slow
def test_a_study_is_run_and_its_runs_are_seen(service: Service) -> None:
    job = service.post(study="study.toml", stage="extract").json()
    again = service.post(study="study.toml", stage="extract").json()
    assert again["id"] == job["id"]  # while it runs, asking twice is asking once
    told = service.ended(job["id"])
    assert (told["state"], told["exit_code"]) == ("succeeded", 0), service.get(f"/{job['id']}/log")
    runs = httpx.get(f"{service.address}/v1/runs").json()["rows"]
    assert [(run["checkpoint"], run["complete"]) for run in runs] == [("base", True)]
    later = service.post(study="study.toml", stage="extract").json()
    assert later["id"] != job["id"]
    assert service.ended(later["id"])["state"] == "succeeded"
    log = httpx.get(f"{service.address}/v1/jobs/{later['id']}/log").text
    assert "all stored in" in log
    assert [told["id"] for told in service.get("")] == [later["id"], job["id"]]
    page = httpx.get(f"{service.address}/jobs").text
    assert later["id"] in page
    assert "succeeded" in page


@pytest.mark.slow
def test_a_job_that_fails_says_so_and_one_that_is_stopped_ends(service: Service) -> None:
    first = service.post(study="study.toml", stage="extract").json()
    waiting = service.post(study="study.toml", stage="extract", seed=3).json()
    assert service.get(f"/{waiting['id']}")["state"] == "pending"
    assert service.post(f"/{waiting['id']}/stop").json()["state"] == "stopped"
    assert service.post(f"/{first['id']}/stop").json()["state"] == "stopped"
    assert service.ended(first["id"])["state"] == "stopped"
    (service.studies / "models" / "base" / "config.json").unlink()
    failed = service.ended(service.post(study="study.toml", stage="extract", limit=2).json()["id"])
    assert failed["state"] == "failed"
    assert failed["exit_code"] == 2


@pytest.mark.parametrize(
    "corpus", ["/etc/passwd", "../../../../../../../../etc/passwd", "link.txt", "${HOME}/.bashrc"]
)
def test_texts_outside_of_the_folders_are_refused(service: Service, corpus: str) -> None:
    (service.studies / "link.txt").symlink_to("/etc/passwd")
    text = (service.studies / "study.toml").read_text().replace("text.txt", corpus)
    (service.studies / "evil.toml").write_text(text)
    refused = service.post(study="evil.toml")
    assert refused.status_code == 400
    assert 'the text of corpus "text" is outside of the folders' in refused.json()["message"]
    assert "root:" not in refused.text
    assert service.get("") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('model = "models/base"', 'model = "/etc"'), 'the model of checkpoint "base" is outside'),
        (('model = "models/base"', 'model = "models/base"\nallow_pickle = true'), "allow_pickle = true"),
        (('store = "', 'results = "/tmp/elsewhere"\nstore = "'), "a place for results of its own"),
    ],
)
def test_other_places_and_pickles_are_refused(service: Service, change: tuple[str, str], words: str) -> None:
    text = (service.studies / "study.toml").read_text()
    assert change[0] in text
    (service.studies / "evil.toml").write_text(text.replace(*change))
    refused = service.post(study="evil.toml")
    assert (refused.status_code, words in refused.json()["message"]) == (400, True), refused.text


@pytest.mark.parametrize(
    "name",
    ["none.toml", "../study.toml", "link.toml", "/etc/passwd", "text.txt", "", "models", "study.toml\x00"],
)
def test_only_studies_of_the_folder(service: Service, name: str) -> None:
    """One that could be run lies beside the folder, and a link in the folder leads to it."""
    outside = service.studies.parent / "study.toml"
    outside.write_text((service.studies / "study.toml").read_text())
    (service.studies / "link.toml").symlink_to(outside)
    refused = service.post(study=name)
    assert refused.status_code == 404, refused.text
    assert "the studies of this service" in refused.json()["message"]
    assert service.get("") == []


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({}, "study"),
        ({"study": "study.toml", "stage": "rm"}, "allowed are run, finetune, extract, analyse, report"),
        ({"study": "study.toml", "store": "/tmp/x"}, "unknown 'store'"),
        ({"study": "study.toml", "limit": "3"}, "limit"),
        ({"study": "study.toml", "limit": 0}, "limit = 0"),
        ({"study": "study.toml", "names": ["a"]}, "stage 'analyse'"),
        ({"study": "study.toml", "stage": "analyse", "names": ["--store", "/tmp/x"]}, "names"),
        ({"study": "study.toml", "names": 3}, "names"),
    ],
)
def test_only_what_is_listed_may_be_replaced(service: Service, job: dict[str, Any], words: str) -> None:
    refused = service.post(**job)
    assert (refused.status_code, words in refused.json()["message"]) == (400, True), refused.text


def test_pages_of_other_sites_start_nothing(service: Service) -> None:
    url, job = f"{service.address}/v1/jobs", b'{"study": "study.toml", "stage": "extract"}'
    crossed = httpx.post(url, content=job, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403
    untyped = httpx.post(url, content=job)  # as a page may send it without asking first
    assert untyped.status_code == 422
    assert service.get("") == []


def test_a_service_without_studies_starts_no_jobs(tmp_path: Path) -> None:
    with http_address(engine(create_root(str(tmp_path / "store"))), token=None) as address:
        refused = httpx.post(f"{address}/v1/jobs", json={"study": "study.toml"})
        assert (refused.status_code, refused.json()["error"]) == (501, "NotYetError")
        assert "--studies DIR" in httpx.get(f"{address}/jobs").text


def test_the_same_request_has_the_same_id() -> None:
    asked = JobRequest(study="a.toml", stage="extract", limit=3)
    assert asked.base_id(b"x") == JobRequest(study="a.toml", stage="extract", limit=3).base_id(b"x")
    others = {asked.base_id(b"y"), JobRequest(study="a.toml", stage="extract").base_id(b"x")}
    assert asked.base_id(b"x") not in others

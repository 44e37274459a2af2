"""Whatever is sent to the HTTP door, the answer is one it documents: never a broken server."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from actstore.serve.http.app import create_app
from jobs.runners.local import LocalRunner
from jobs.runners.studies import StudyFolder
from tests.support.served import TOKEN, engine
from tests.support.small_store import prepare

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@pytest.mark.slow
def test_every_route(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=12)
    made.extract()
    (tmp_path / "studies").mkdir()
    runner = LocalRunner(StudyFolder(tmp_path / "studies", made.objects.url), tmp_path)
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", create_app(engine(made.objects), TOKEN, runner=runner)
    )
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/v1/query", "/v1/sql", "/v1/ask", "/v1/nearest"}
    for operation in operations:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def send(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"authorization": f"Bearer {TOKEN}"}, checks=CHECKS)

        send()

"""A study whose store is a bucket: every command as with a folder, results equal to the last digit."""

import uuid

import actstore
from actstore.store.results import list_results
from tests.support.commands import ALONE, Here
from tests.support.s3_server import S3Server
from tests.support.studies import SIMILARITY, SmallStudy

STATEMENTS = (
    "SELECT * FROM similarity ORDER BY ALL",
    "SELECT * EXCLUDE (corpus) FROM tokens ORDER BY ALL",
    "SELECT corpus, count(*) n FROM words GROUP BY 1 ORDER BY 1",
)


def test_a_study_on_s3(here: Here, study: SmallStudy, s3: S3Server) -> None:
    url, elsewhere = (s3.url(f"{kind}/{uuid.uuid4().hex}") for kind in ("studies", "results"))
    file = study.only(["base", "tuned"], ["text"], SIMILARITY).write()
    local = here("run", file, *ALONE, "--json").document
    given = here("run", file, "--store", url, *ALONE, "--json")
    assert given.code == 0, given.err
    hashes = [
        {row["run_id"]: row["content_sha256"] for row in document["runs"]}
        for document in (local, given.document)
    ]
    assert hashes[0] == hashes[1]
    folder, bucket = actstore.open(str(study.store)), actstore.open(url)
    assert isinstance(folder, actstore.Store)
    assert isinstance(bucket, actstore.Store)
    for statement in STATEMENTS:
        assert bucket.sql(statement).equals(folder.sql(statement)), statement
        assert bucket.sql(statement).num_rows > 0
    again = here("run", file, "--store", url, *ALONE)
    assert "no model was run" in again.err

    # The same results kept in another bucket prefix.
    text = file.read_text().splitlines()
    file.write_text("\n".join([text[0], f'results = "{elsewhere}"', *text[1:]]))
    assert here("analyse", file, "--store", url, *ALONE).code == 0
    kept = [row["result_id"] for row in list_results(actstore.open(elsewhere).objects)]
    assert kept == [row["result_id"] for row in list_results(bucket.objects)]

    query = ("--checkpoint", "base", "--corpus", "text", "--layer", "1", "--limit", "5", "--json")
    assert here("query", url, *query).document == here("query", study.store, *query).document
    assert here("plan", file, "--store", url).code == 0
    assert here("verify", url).code == 0
    assert here("ls", url, "--json").document["runs"] == here("ls", study.store, "--json").document["runs"]
    assert here("rm", url, "tuned", "--yes").code == 0
    assert here("gc", url, "--grace", "0", "--yes").code == 0
    assert [row["checkpoint"] for row in here("ls", url, "--json").document["runs"]] == ["base"]
    assert here("verify", url).code == 0

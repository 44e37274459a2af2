"""The SQL box: a statement, its table, and the same as a download."""

import io
from typing import Annotated

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actstore.errors import ActstoreError, RequestError
from actstore.schema.requests import Sql
from actstore.serve.http.forms import plain
from actstore.serve.pages.site import engine_of, page

router = APIRouter(include_in_schema=False)
ROWS_SHOWN = 200
FORMS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
SUGGESTED = (
    "SELECT name, n_layers, width, base, task FROM checkpoints",
    "SELECT upos, count(*) AS n FROM words GROUP BY upos ORDER BY n DESC",
    "SELECT checkpoint_b, layer_a AS layer, value FROM similarity WHERE measure = 'rsa' ORDER BY 1, 2",
    "SELECT layer, avg(cosine) AS cosine FROM drift GROUP BY layer ORDER BY layer",
)
Statement = Annotated[str, Query(max_length=20_000)]


@router.get("/sql")
def box(request: Request, statement: Statement = "") -> Response:
    """The box and, where something was asked, its answer."""
    told, columns, rows, more = "", [], [], False
    if statement.strip():
        try:
            table = _table(request, statement)
        except ActstoreError as error:
            told = engine_of(request).told(error)["message"]
        else:
            columns, more = table.column_names, table.num_rows > ROWS_SHOWN
            shown = table.slice(0, ROWS_SHOWN)
            lists = [[plain(value) for value in column.to_pylist()] for column in shown.columns]
            rows = list(zip(*lists, strict=True))
    return page(
        request, "sql.html", status=400 if told else 200, statement=statement, told=told, columns=columns,
        rows=rows, more=more, suggested=SUGGESTED, rows_shown=ROWS_SHOWN,
    )  # fmt: skip


@router.get("/sql/download")
def download(request: Request, statement: Statement, form: str = "csv") -> Response:
    """The whole answer as a file."""
    if form not in FORMS:
        raise RequestError(f"form = {form!r}: allowed are {', '.join(FORMS)}")
    table, sink = _table(request, statement), io.BytesIO()
    if form == "csv":
        pa_csv.write_csv(_flat(table), sink)
    else:
        pq.write_table(table, sink)
    name = {"content-disposition": f'attachment; filename="answer.{form}"'}
    return Response(sink.getvalue(), media_type=FORMS[form], headers=name)


def _table(request: Request, statement: str) -> pa.Table:
    return engine_of(request).answer(Sql(statement=statement)).read_all()


def _flat(table: pa.Table) -> pa.Table:
    """Columns that CSV has no form for, as text."""
    for i, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = pa.array([None if v is None else str(plain(v)) for v in table.column(i).to_pylist()])
            table = table.set_column(i, field.name, texts)
    return table

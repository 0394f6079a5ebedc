"""Long tables as files: CSV for people, Parquet for programs. A number that is not defined is an empty cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
SCOPE = b"parallax.scope"  # key of the metadata that says what the numbers were computed from

Columns = Mapping[str, Sequence[Any]]


def as_csv(columns: Columns, scope: str) -> bytes:
    """UTF-8, comma, lines ending in CR LF as RFC 4180 has it, numbers in full; the scope has no place here."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode()


def as_parquet(columns: Columns, scope: str) -> bytes:
    """One row group, zstd; the scope (JSON) is in the metadata of the schema."""
    table = pa.table(dict(columns)).replace_schema_metadata({SCOPE: scope.encode()})
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd")
    written: bytes = out.getvalue().to_pybytes()
    return written


FORMS: dict[str, Callable[[Columns, str], bytes]] = {CSV: as_csv, PARQUET: as_parquet}

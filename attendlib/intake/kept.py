"""Frames that every school's report asks for alike: read in SQL once, then kept beside the data in the store.

Twenty schools' pages would each read all twenty schools' rows again. A frame kept as an Arrow file comes back in a
fiftieth of the time with the same values and types. It goes when its folder of the store goes, with the data.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from attendlib.intake.store import Store
from attendlib.intake.tidy import connect

FOLDER = "frames"
MOST_BYTES = 256_000_000  # a larger frame is read anew each time: as many kept would fill a disk
MOST_HELD = 16  # frames a kernel holds on to
_FORM = f"2 pandas {pd.__version__}"  # raised whenever `frame` makes something else of the same rows


def frame(query: str) -> pd.DataFrame:
    """The rows of a query. Whole numbers with gaps are floats with NaN, texts are pandas' own."""
    found = _database().execute(query).df()
    gaps = {name: "float64" for name, kind in found.dtypes.items() if str(kind).startswith("Int")}
    return found.astype(gaps | {name: "str" for name, kind in found.dtypes.items() if str(kind) == "object"})


def kept_frame(store: Store, query: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The same, or its `columns` alone, from the store where it was asked before.

    A store that cannot be written to is only slower.
    """
    place = store.folder / FOLDER / f"{hashlib.sha256(f'{_FORM} {query}'.encode()).hexdigest()[:32]}.arrow"
    return _held(place, query, None if columns is None else tuple(columns)).copy(deep=False)


@lru_cache(maxsize=MOST_HELD)
def _held(place: Path, query: str, columns: tuple[str, ...] | None) -> pd.DataFrame:
    """One notebook asks for the same frame up to eight times. Nobody writes into it: pandas copies on writing."""
    with suppress(OSError, pa.ArrowInvalid), pa.memory_map(str(place)) as file:
        return _as_frame(_read(file, columns))
    table = _with_texts_once(pa.Table.from_pandas(frame(query), preserve_index=False, nthreads=1))
    if table.nbytes <= MOST_BYTES:
        with suppress(OSError):
            _write(table, place)
    return _as_frame(table if columns is None else table.select(columns))


def _read(file: pa.MemoryMappedFile, columns: Sequence[str] | None) -> pa.Table:
    """A kept table, or its `columns` alone: the others are not unpacked."""
    if columns is None:
        return pa.ipc.open_file(file).read_all()
    schema = pa.ipc.open_file(file).schema
    some = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in columns])
    return pa.ipc.open_file(file, options=some).read_all().select(columns)


def _as_frame(table: pa.Table) -> pd.DataFrame:
    """The table's rows, each text taken from its place: Arrow's own way takes four times the memory."""
    texts = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    found = table.drop_columns(texts).to_pandas(use_threads=False)
    for name in texts:
        column = table.column(name).combine_chunks()
        known = pd.array(column.dictionary.cast(pa.large_string()), dtype="str")
        places = column.indices.fill_null(-1).to_numpy()  # -1: no text
        found.insert(table.column_names.index(name), name, known.take(places, allow_fill=True))
    return found


def _with_texts_once(table: pa.Table) -> pa.Table:
    """Each text of a column stored once, with its places: read back many times as fast as text by text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(place, field.name, table.column(place).dictionary_encode().unify_dictionaries())
    return table


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One database for all queries of a kernel: a new one each time would cost as much as some of them."""
    return connect()


def _write(table: pa.Table, place: Path) -> None:
    """In one piece: another report reads all of it or none."""
    place.parent.mkdir(exist_ok=True)
    aside = place.with_name(f".{secrets.token_hex(8)}")
    try:
        form = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(aside), "wb") as file, pa.ipc.new_file(file, table.schema, options=form) as writer:
            writer.write_table(table)
        os.replace(aside, place)
    finally:
        aside.unlink(missing_ok=True)

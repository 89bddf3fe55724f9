"""Keyed pseudonyms: the same key gives the same pseudonym, without it nobody can work out or check one."""

import hashlib
import os
import secrets
from pathlib import Path

import duckdb

from attendlib.errors import DataError, Problem

_KEY_BYTES = 32
_PSEUDONYM_BYTES = 8  # 16 hexadecimal characters
PUPIL, HOUSEHOLD = "pupil", "household"


def read_key(path: Path) -> bytes:
    """The key in `path`, made on first need: 32 random bytes, readable by their owner only.

    Raises DataError where the file holds something else.
    """
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        problem = Problem(path.name, f"not a key of {_KEY_BYTES} bytes", "Restore the key, or name another `key_file`.")
        raise DataError([problem])
    return key


def _make_key(path: Path) -> None:
    """Written aside and linked into place, so that of two processes one wins and both read the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def fingerprint(key: bytes) -> str:
    """Sixteen characters that say whether a key is the same, and nothing of the key."""
    return hashlib.blake2b(b"", key=key, digest_size=_PSEUDONYM_BYTES, person=b"fingerprint").hexdigest()


def pseudonym(identifier: str, key: bytes, kind: str = PUPIL) -> str:
    """The pseudonym of one identifier: BLAKE2b keyed with `key`, 16 hexadecimal characters."""
    text = identifier.encode()
    return hashlib.blake2b(text, key=key, digest_size=_PSEUDONYM_BYTES, person=kind.encode()).hexdigest()


def map_identifiers(connection: duckdb.DuckDBPyConnection, kind: str, query: str, key: bytes) -> None:
    """Makes the table `<kind>_alias` (id, alias) for every identifier that `query` gives once or more.

    Raises DataError where two identifiers share a pseudonym (expect one in 4 billion pupils).
    """
    found = connection.execute(
        f"SELECT DISTINCT id FROM ({query}) AS ids(id) WHERE id IS NOT NULL ORDER BY 1"
    ).fetchall()
    identifiers = [row[0] for row in found]
    aliases = [pseudonym(identifier, key, kind) for identifier in identifiers]
    if len(set(aliases)) < len(aliases):
        raise DataError([Problem(kind, "two identifiers share a pseudonym", "Name another `key_file`.")])
    connection.execute(f"CREATE TABLE {kind}_alias (id VARCHAR, alias VARCHAR)")
    connection.execute(f"INSERT INTO {kind}_alias SELECT unnest(?), unnest(?)", [identifiers, aliases])

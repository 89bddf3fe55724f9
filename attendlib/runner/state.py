"""The truth about each report: its sidecar OUT/.attend/<school>/<notebook>.json, written last and in one piece."""

import errno
import hashlib
import os
import re
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from attendlib.errors import AttendError
from attendlib.export.entry import FAILING, Entry, Known
from attendlib.runner.place import alive
from attendlib.runner.plan import Job

SIDECARS = ".attend"
ASIDE = f"{SIDECARS}/aside"  # files being written; a name says who writes
_HOST = re.sub(r"\W", "_", socket.gethostname())
Need = Literal["run", "export", "nothing"]
_READ: Mapping[type[Known], TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in (Known, Entry)}
_AnyEntry = TypeVar("_AnyEntry", bound=Known)


class FullDiskError(AttendError):
    """There is no room to write; the run stops."""


class BusyError(AttendError):
    """Another run has the same place."""


def sidecar(out: Path, job: Job) -> Path:
    """Where the report's sidecar stands."""
    return out / SIDECARS / job.school / f"{job.name}.json"


def read_entry(out: Path, job: Job) -> Entry:
    """What is known of a report; `stale` where it was made from something else than the plan holds now.

    A sidecar that is missing or unreadable is a report not run.
    """
    return _read(out, job, Entry)


def read_known(out: Path, job: Job) -> Known:
    """The same without its figures, in a fifth of the time; whether those can be read is not asked."""
    return _read(out, job, Known)


def _read(out: Path, job: Job, kind: type[_AnyEntry]) -> _AnyEntry:
    blank = kind(job.name, job.school, job.school_name, job.question, "not_run")
    try:
        entry = _READ[kind].validate_json(sidecar(out, job).read_bytes())
    except (OSError, ValidationError):
        return blank
    if entry.status not in FAILING and not all((out / job.school / name).is_file() for name in entry.files):
        return blank
    return replace(entry, stale=entry.key != job.key)


def write_entry(out: Path, job: Job, entry: Entry) -> None:
    """Writes the sidecar; whoever reads it sees the old one or the new one, never a part."""
    text = _READ[Entry].dump_json(entry, exclude={"stale"}).decode() + "\n"
    put(out, f"{SIDECARS}/{job.school}/{job.name}.json", text)


def need(out: Path, job: Job, entry: Known) -> Need:
    """Whether a report must be run, only its page made again from the saved notebook, or nothing done."""
    if entry.status in FAILING or entry.status == "not_run" or entry.key != job.key:
        return "run"
    sound = {name: _hash_of(out / job.school / name) == expected for name, expected in entry.files.items()}
    if not sound.get(f"{job.name}.ipynb"):
        return "run"
    return "nothing" if all(sound.values()) and entry.page_key == job.page_key else "export"


def put(out: Path, name: str, text: str) -> str:
    """Writes a file under `out` in one piece, making its folder; returns its sha256.

    A file that already says so is left alone. Raises FullDiskError where there is no room; what was there stays.
    """
    return put_parts(out, name, [text])


def put_parts(out: Path, name: str, parts: Iterable[str]) -> str:
    """The same from parts, which are never held together. Where one cannot be had, what was there stays."""
    path, digest = out / name, hashlib.sha256()
    aside = out / ASIDE / f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        for folder in (path.parent, aside.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            for data in map(str.encode, parts):
                digest.update(data)
                file.write(data)
        if _hash_of(path) == digest.hexdigest():
            aside.unlink()
        else:
            os.replace(aside, path)
    except BaseException as error:
        aside.unlink(missing_ok=True)
        raise full_disk(error) or error from None
    return digest.hexdigest()


def says(out: Path, name: str, parts: Iterable[str]) -> bool:
    """Whether the file under `out` holds this text already, read part by part."""
    if not (out / name).is_file():
        return False
    with (out / name).open("rb") as file:
        return all(file.read(len(data)) == data for data in map(str.encode, parts)) and not file.read(1)


def full_disk(error: BaseException | None) -> FullDiskError | None:
    """The error that stops a run, where a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FullDiskError("No space is left on the disk. Free some; the same command goes on where it stopped.")
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def room() -> Iterator[None]:
    """Raises FullDiskError in place of what says that a disk or a quota is full."""
    try:
        yield
    except OSError as error:
        raise full_disk(error) or error from None


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """While it lasts no other `attend run` writes to `out`; what a killed run left half written is taken away.

    Raises BusyError where one does.
    """
    (out / SIDECARS).mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / SIDECARS / "run.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(f"{out}: another run is writing here. Wait until it is done, or name another --out.") from None
    try:
        for path in (out / ASIDE).glob(f"{_HOST}-*"):
            if not alive(int(path.name.split("-")[-2])):
                path.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def _hash_of(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

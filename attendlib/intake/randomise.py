"""`attend randomise`: the list of a trial from the study's own data, lots drawn, and both written beside the data.

Identifiers stay as the data have them and in the data's folder: allocation.csv is for the data's owner, who tells each
school its arms. The log beside it has counts, seed, rule and a hash of the list, and no identifier.
"""

import csv
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from attendlib.errors import DataError, Problem, StudyError
from attendlib.intake.listed import Listed, eligible_list
from attendlib.intake.lots import draw_places, draw_shares
from attendlib.intake.study import StudyFile
from attendlib.intake.tables import prepare
from attendlib.intake.tidy import connect, locate
from attendlib.records.study import Randomise
from attendlib.records.tables import TABLES

Rows = list[dict[str, str]]
METHOD = "units ordered by SHA-256 of seed, trial, block and unit inside each block; arms dealt along that order"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, in counts: units and pupils of each arm, who was left out, and the log's name."""

    unit: str
    units: Mapping[str, int]
    pupils: Mapping[str, int]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]
    allocation: str
    log: str

    def lines(self) -> tuple[str, ...]:
        """What the command prints: counts only."""
        lost = [f"{reason}: {count:,}" for reason, count in self.left_out.items() if count]
        more = {arm: f", {count:,} pupils" if self.unit == "school" else "" for arm, count in self.pupils.items()}
        arms = [f"{arm}: {count:,} {self.unit}s{more[arm]}" for arm, count in self.units.items()]
        written = f"Written beside the data: {self.allocation}, and {self.log} without identifiers."
        return (*lost, *arms, *self.notes, written)


def randomise(study_file: StudyFile) -> Drawn:
    """Draws the study's trial once and writes allocation.csv and the log into its data folder.

    Raises StudyError without a section `randomise`, for a trial that was drawn before, or for one that cannot be drawn;
    DataError for what is wrong with the data.
    """
    keys = _section(study_file)
    folder = study_file.data_folder
    before = _earlier(study_file, keys)
    with connect() as connection:
        listed = _listed(connection, study_file, keys)
    arms = _arms(study_file, keys, listed)
    rows = _rows(keys, listed, arms)
    log = _log(study_file, keys, listed, arms)
    _write(folder / "allocation.csv", before, rows)
    log_name = log_path(study_file, keys).name
    (folder / log_name).write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    counts = log["units"], log["pupils"], listed.left_out
    return Drawn(keys.unit, *counts, tuple(log["notes"]), "allocation.csv", log_name)


def log_path(study_file: StudyFile, keys: Randomise) -> Path:
    """Where a trial's log is kept."""
    return study_file.data_folder / f"allocation-{keys.trial}.log.json"


def _section(study_file: StudyFile) -> Randomise:
    if study_file.study.randomise is None:
        remedy = "Add it: the trial's name, its arms, the blocks (docs/study-file.md)."
        raise StudyError([Problem(study_file.path.name, "it has no section `randomise`", remedy)])
    return study_file.study.randomise


def _earlier(study_file: StudyFile, keys: Randomise) -> Rows:
    """The rows of other trials already in allocation.csv. Lots are drawn once: the same trial again is refused."""
    sources, problems = locate(study_file.data_folder)
    if problems:
        raise DataError(problems)
    again = "Keep to it. To draw again, name a new trial and say in the study file why."
    log = log_path(study_file, keys)
    if log.exists():
        raise StudyError([Problem(log.name, f"the trial {keys.trial} was drawn before", again)])
    source = sources.get("allocation")
    if source is None:
        return []
    if not source.is_csv:
        remedy = "Write it as allocation.csv; a new trial is added to its rows."
        raise StudyError([Problem(source.name, "allocations are kept as Parquet", remedy)])
    with source.files[0].open(encoding="utf-8-sig", newline="") as file:
        read = csv.DictReader(file)
        rows = [{(name or "").strip().lower(): value or "" for name, value in row.items()} for row in read]
    if any(row.get("trial", "").strip() == keys.trial for row in rows):
        raise StudyError([Problem(source.name, f"it holds the trial {keys.trial} already", again, "trial")])
    return rows


def _listed(connection: duckdb.DuckDBPyConnection, study_file: StudyFile, keys: Randomise) -> Listed:
    """The list, from data checked as for any study; tables that only a notebook needs may be missing before a trial."""
    alone = replace(study_file, study=study_file.study.model_copy(update={"notebooks": {}}))
    findings = prepare(connection, alone)
    if findings.problems:
        raise DataError(findings.problems)
    return eligible_list(connection, study_file, keys)


def _arms(study_file: StudyFile, keys: Randomise, listed: Listed) -> dict[str, str]:
    """The arm of each unit. Raises StudyError where an arm would have fewer than two units."""
    blocks = listed.blocks()
    try:
        if keys.places is not None:
            arms = draw_places(blocks, keys.arms, keys.places, study_file.study.seed, keys.trial)
        else:
            shares = keys.shares or [1] * len(keys.arms)
            arms = draw_shares(blocks, keys.arms, shares, study_file.study.seed, keys.trial)
    except ValueError as error:
        raise StudyError([Problem(study_file.path.name, str(error), "Give fewer places.", "randomise")]) from error
    counts = Counter(arms.values())
    few = [arm for arm in keys.arms if counts[arm] < 2]
    if few:
        what = f"{len(arms)} {keys.unit}s are on the list: fewer than two would be in {' and '.join(few)}"
        raise StudyError([Problem(study_file.path.name, what, "Widen the rule, or draw fewer arms.")])
    return arms


def _rows(keys: Randomise, listed: Listed, arms: Mapping[str, str]) -> Rows:
    """allocation.csv's rows, in the list's order; columns with nothing in them are left out when written."""
    whole = keys.unit == "school"
    return [
        {
            "trial": keys.trial, "pupil": entry.pupil, "school": entry.school, "arm": arms[entry.unit],
            "block": entry.block, "cluster": entry.unit if whole else "",
            "randomised_on": "" if keys.randomised_on is None else keys.randomised_on.isoformat(),
            "list_order": str(place),
        }
        for place, entry in enumerate(listed.entries, 1)
    ]  # fmt: skip


def _log(study_file: StudyFile, keys: Randomise, listed: Listed, arms: Mapping[str, str]) -> dict[str, Any]:
    """What was done and what came of it: choices, seed, hash of the list, counts by arm and block."""
    by_block = {
        block: {arm: sum(arms[unit] == arm for unit in units) for arm in keys.arms}
        for block, units in listed.blocks().items()
    }
    pupils = Counter(arms[entry.unit] for entry in listed.entries)
    thin = sum(0 in counts.values() for counts in by_block.values())
    said = f"{thin} of {len(by_block)} blocks are too small to hold every arm: nothing is compared inside them."
    text = "\n".join(f"{entry.unit}\x1f{entry.pupil}\x1f{entry.block}" for entry in listed.entries)
    return {
        "trial": keys.trial,
        "seed": study_file.study.seed,
        "choices": keys.model_dump(mode="json", by_alias=True),
        "method": METHOD,
        "list_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "left_out": dict(listed.left_out),
        "units": {arm: sum(counts[arm] for counts in by_block.values()) for arm in keys.arms},
        "pupils": {arm: pupils[arm] for arm in keys.arms},
        "by_block": by_block,
        "notes": [said] if thin and len(by_block) > 1 else [],
        "attendlib": version("attendlib"),
    }


def _write(path: Path, before: Rows, rows: Rows) -> None:
    """The earlier trials' rows and the new ones, written aside and put in place at once."""
    known = TABLES["allocation"].names()
    names = [name for name in known if any(row.get(name) for row in (*before, *rows))]
    names += sorted({name for row in before for name in row} - {*known, ""})
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with aside.open("x", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows([*before, *rows])
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)

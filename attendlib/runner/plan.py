"""Which reports a study asks for: every notebook for every school, each with the key that says if it is up to date."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attendlib.errors import Problem, StudyError
from attendlib.intake.earlier import earlier_digest
from attendlib.intake.protocol import protocol_digest
from attendlib.intake.store import Store, ensure_store, study_schools
from attendlib.intake.study import StudyFile
from attendlib.records.study import ALL, COMPARISONS, design_module
from attendlib.runner.keys import FIGURES_FROM, PAGES_FROM, page_key, report_key, versions
from attendlib.runner.templates import SCHOOL, Template, templates

ALL_SCHOOLS = "All schools"
_FOLDER = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)\w[\w-]*", re.IGNORECASE | re.ASCII)  # on Windows too
_NEAR = 0.5  # how alike, from 0 to 1, a name must be to be offered for another
_NAMED = 8  # names offered where none is nearest


@dataclass(frozen=True, slots=True)
class Job:
    """One report to make: a notebook, a school (or `all`), all the notebook's parameters, and the report's keys."""

    name: str
    school: str
    school_name: str
    question: str
    notebook: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, Any]
    key: str
    page_key: str
    audience: str = "internal"

    def __str__(self) -> str:
        return f"{self.school} {self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Every report of a study, schools in the data's order, and the parameters of each notebook by its name.

    `phases` has each school's phase by URN, `provenance` the versions and digests the reports rest on, by name.
    """

    study_file: StudyFile
    jobs: tuple[Job, ...]
    parameters: Mapping[str, Mapping[str, Any]]
    phases: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def modules(self) -> list[str]:
        """What the study's designs load beside the notebooks' own library."""
        asked = [given.get("design") for given in self.parameters.values()]
        return [design_module(design) for design in COMPARISONS if design in asked]

    def choose(self, schools: Sequence[str] = (), notebooks: Sequence[str] = ()) -> tuple[Job, ...]:
        """The reports of these schools and notebooks (empty: all). Raises StudyError for a name the study lacks."""
        problems = [
            *_unknown(schools, {job.school for job in self.jobs} | {ALL}, "school"),
            *_unknown(notebooks, set(self.parameters), "notebook"),
        ]
        if problems:
            raise StudyError(problems)
        return tuple(
            job
            for job in self.jobs
            if (not schools or job.school in schools) and (not notebooks or job.name in notebooks)
        )


def make_plan(study_file: StudyFile) -> Plan:
    """All the reports of a study, its data read into the store first if they changed.

    Raises StudyError or DataError listing everything wrong; nothing has been run then.
    """
    found = templates(study_file)
    earlier = earlier_digest(study_file)
    store, plan = ensure_store(study_file), protocol_digest(study_file)
    rows = study_schools(study_file, store)
    if problems := [_no_folder(row.school) for row in rows if not _FOLDER.fullmatch(row.school)]:
        raise StudyError(problems)
    names = {row.school: row.name for row in rows} | {ALL: ALL_SCHOOLS}
    jobs = tuple(
        _job(study_file, store, plan, earlier, template, urn, name) for urn, name in names.items() for template in found
        if (ALL if urn == ALL else SCHOOL) in template.pages
    )  # fmt: skip
    parameters = {template.name: template.parameters for template in found}
    digests = {"data": store.digest} | {name: sha for name, sha in (("protocol", plan), ("studies", earlier)) if sha}
    provenance = versions(FIGURES_FROM + PAGES_FROM) | digests
    return Plan(study_file, jobs, parameters, {row.school: row.phase for row in rows}, provenance)


def _no_folder(urn: str) -> Problem:
    remedy = "Use letters and digits: not a dash first, nor a name Windows keeps for a device."
    return Problem("schools", f"{urn} cannot be the name of a folder", remedy)


def _job(study_file: StudyFile, store: Store, plan: str, earlier: str, template: Template, urn: str, name: str) -> Job:
    parameters = {SCHOOL: urn, **template.parameters}
    data = store.school_digests.get(urn, store.digest) if template.own_school else store.digest
    key = report_key(study_file.study, plan, data + earlier, template.notebook, parameters)
    return Job(template.name, urn, name, template.question, template.notebook, parameters, key, page_key(key),
               study_file.study.audience)  # fmt: skip


def _unknown(asked: Iterable[str], known: set[str], kind: str) -> list[Problem]:
    return [
        Problem(f"--{kind}", f"the study has no {kind} {name}", _meant(name, sorted(known), kind))
        for name in asked
        if name not in known
    ]


def _meant(name: str, known: Sequence[str], kind: str) -> str:
    """The one name that is nearest; where several are equally near, or none is, the first of those there are."""
    near = {other: difflib.SequenceMatcher(None, name, other).ratio() for other in known}
    best = max(near.values(), default=0.0)
    nearest = [other for other in known if near[other] == best >= _NEAR]
    if len(nearest) == 1:
        return f"Did you mean {nearest[0]}?"
    some = ", ".join(known[:_NAMED]) + (" …" if len(known) > _NAMED else "")
    return f"It has {some}. Leave --{kind} out to run every {kind}."

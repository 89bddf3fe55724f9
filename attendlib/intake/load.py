"""`load`: the pupils of one school, or of all, from the study that ATTEND_STUDY names."""

import difflib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from attendlib.errors import Problem, StudyError
from attendlib.intake.demo import demo_study
from attendlib.intake.earlier import earlier_digest
from attendlib.intake.store import Store, academic_years, ensure_store, study_schools
from attendlib.intake.study import StudyFile, read_study
from attendlib.records.study import ALL

STUDY_VARIABLE = "ATTEND_STUDY"
NOTEBOOK_VARIABLE = "ATTEND_NOTEBOOK"  # set by a run: a page knows no other notebook's choices, nor ages with them


@dataclass(frozen=True, slots=True)
class Pupils:
    """What a question is asked of: a study's store, and the school ("all": every school of the study) of the page."""

    study_file: StudyFile
    school: str
    school_name: str
    store: Store

    def __repr__(self) -> str:
        """Only the school: no path, no pupil."""
        return f"Pupils(school={self.school!r})"


def current_study() -> StudyFile:
    """The study named by ATTEND_STUDY, else the demo (made on first use)."""
    named, notebook = os.environ.get(STUDY_VARIABLE), os.environ.get(NOTEBOOK_VARIABLE)
    study_file = read_study(Path(named) if named else demo_study())
    own = {name: keys for name, keys in study_file.notebooks.items() if Path(name).stem == notebook}
    return replace(study_file, notebooks=own) if own else study_file


def load(school: str) -> Pupils:
    """The pupils of `school` (a URN, or "all"), from the study named by ATTEND_STUDY, else from the demo.

    Raises StudyError where the study has no such school, and whatever reading study and data raises.
    """
    study_file = current_study()
    store = ensure_store(study_file)
    return Pupils(study_file, school, _name(study_file, store, school), store)


def looked_over(study_file: StudyFile) -> tuple[str, ...]:
    """What to know of the study's data. Raises StudyError where they hold nothing of its academic year, or an earlier
    study's file cannot be used.

    A run takes any year: a question may have years of its own, and each page says what it lacks.
    """
    earlier_digest(study_file)
    store, asked = ensure_store(study_file), study_file.study.academic_year
    held = academic_years(store)
    if asked not in held:
        what = f"academic_year is {asked}, of which the data hold no pupils and no attendance"
        raise StudyError([Problem(study_file.path.name, what, f"There are {', '.join(held)}.")])
    return store.notes


def _name(study_file: StudyFile, store: Store, school: str) -> str:
    names = {row.school: row.name for row in study_schools(study_file, store)} | {ALL: "All schools"}
    if school in names:
        return names[school]
    nearest = difflib.get_close_matches(school, names, n=1, cutoff=0.0)
    problem = Problem(study_file.path.name, f"the study has no school {school}", f"Did you mean {nearest[0]}?")
    raise StudyError([problem])

"""Published trials whose outcome was days absent: how large differences have been where chance decided."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class AttendanceTrial:
    """One arm of a randomised trial: fewer days absent than its control, and where that is printed."""

    trial: str
    days_fewer: float
    unit: str
    source: str


@cache
def attendance_trials() -> tuple[AttendanceTrial, ...]:
    """Every arm of `attendance_trials.csv`, in order."""
    with files("attendlib.facts").joinpath("attendance_trials.csv").open(encoding="utf-8") as file:
        return tuple(
            AttendanceTrial(row["trial"], float(row["days_fewer"]), row["unit"], row["source"])
            for row in csv.DictReader(file)
        )


def usual_size() -> float:
    """The root mean square of the published differences, in days: the scale of a sceptical prior centred on none."""
    sizes = [trial.days_fewer for trial in attendance_trials()]
    return float((sum(size**2 for size in sizes) / len(sizes)) ** 0.5)

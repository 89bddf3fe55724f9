"""The code table against the one kept beside the project, whose rows say where each was seen."""

import csv

from shared import shared

from attendlib.facts.codes import codes

CATEGORIES = {
    "present": "present",
    "approved educational activity": "approved",
    "authorised absence": "authorised",
    "unauthorised absence": "unauthorised",
    "not a possible attendance": "not_possible",
    "unable to attend (not a possible attendance)": "not_possible",
    "no mark": "no_mark",
}


def test_each_code_counts_on_the_same_dates_as_the_same_thing() -> None:
    with shared("dfe/codes.csv").open(encoding="utf-8", newline="") as file:
        theirs = {(r["code"], r["valid_from"], r["valid_to"], CATEGORIES[r["category"]]) for r in csv.DictReader(file)}
    ours = {(c.code, str(c.valid_from), str(c.valid_to or ""), c.session) for c in codes()}
    assert ours == theirs
    assert len(ours) == 41

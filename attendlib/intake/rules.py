"""Rules that a single row must keep, as data: each a condition in SQL that makes the row wrong, and what is said."""

from dataclasses import dataclass

from attendlib.records.tables import TABLES

YEAR_OF = "(year({d}) - (month({d}) < 8)::INTEGER)"  # 1 August begins an academic year, as facts.years has it
ACADEMIC_YEAR_OF = f"{YEAR_OF} || '/' || lpad(((({YEAR_OF}) + 1) % 100)::VARCHAR, 2, '0')"
GRAIN_OF = "CASE WHEN period = 'year' THEN 'year' WHEN length(period) = 10 THEN 'week' ELSE 'half_term' END"
COUNTS = tuple(c.name for c in TABLES["attendance"].columns if c.kind == "integer")


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `table` is wrong where `condition` holds; `column` is the one to look at."""

    table: str
    column: str
    condition: str
    what: str
    remedy: str


_CORRECT = "Correct the counts, or leave the rows out"
_PARTS = (  # a count that cannot be more than the sessions it is part of
    ("illness", "authorised", "authorised absence"),
    ("late_after", "unauthorised", "unauthorised absence"),
    ("unresolved", "unauthorised", "unauthorised absence"),
    ("holiday", "authorised + unauthorised", "absence"),
    ("spells", "authorised + unauthorised", "absence"),
    ("late_before", "possible - authorised - unauthorised", "attendance"),
    ("offsite", "possible - authorised - unauthorised", "attendance"),
)
_IS_WEEK = "length(period) = 10 AND TRY_CAST(period AS DATE) IS NOT NULL"
_MONDAY = "TRY_CAST(period AS DATE)"
ROW_RULES = (
    Rule("schools", "school", "NOT regexp_full_match(school, '[A-Za-z0-9_-]+') OR lower(school) = 'all'",
         "not usable as a school's identifier", "Use the URN, or letters, digits, - and _ (not the word all)"),
    Rule("schools", "school", "lower(school) IN (SELECT lower(school) FROM schools GROUP BY 1 HAVING "
         "count(DISTINCT school) > 1)", "identifiers that differ only in capitals", "Write each school in one way"),
    *(Rule(table, "year_group", "year_group NOT BETWEEN 0 AND 13", "not a year group",
           "Use 0 for Reception and 1 to 13") for table in ("pupils", "interventions")),
    Rule("pupils", "birth_month", "birth_month NOT BETWEEN 1 AND 12", "not a month", "Use 1 to 12"),
    Rule("pupils", "leaving_date", "leaving_date < entry_date", "a leaving date before the entry date",
         "Correct one of the two dates"),
    Rule("attendance", "possible", "authorised + unauthorised > possible",
         "more sessions absent (authorised + unauthorised) than possible", _CORRECT),
    Rule("attendance", "possible", f"possible > CASE {GRAIN_OF} WHEN 'week' THEN 14 ELSE 732 END",
         "more sessions possible than two a day", _CORRECT),
    *(Rule("attendance", name, f"{name} > {whole}", f"more sessions of {name} than {words}", _CORRECT)
      for name, whole, words in _PARTS),
    *(Rule("attendance", name, f"{name} < 0", "a count below 0", "Counts are sessions, 0 or more") for name in COUNTS),
    Rule("attendance", "period", f"period NOT IN ('1','2','3','4','5','6','year') AND NOT ({_IS_WEEK})",
         "not a period", "Use 1 to 6 for half-terms, a week's Monday as 2024-09-02, or year"),
    Rule("attendance", "period", f"{_IS_WEEK} AND isodow({_MONDAY}) <> 1", "a week that does not begin on a Monday",
         "Write the week's Monday"),
    Rule("attendance", "period",
         f"{_IS_WEEK} AND academic_year NOT IN ({ACADEMIC_YEAR_OF.format(d=_MONDAY)}, "
         f"{ACADEMIC_YEAR_OF.format(d=f'({_MONDAY} + 4)')})",
         "a week outside its academic year", "Correct academic_year or the week; a year begins on 1 August"),
    Rule("calendar", "half_term", "half_term NOT BETWEEN 1 AND 6", "not a half-term", "Use 1 to 6"),
    Rule("calendar", "end_date", "end_date < start_date", "a half-term that ends before it starts",
         "Correct the dates"),
    Rule("calendar", "start_date", f"academic_year <> {ACADEMIC_YEAR_OF.format(d='start_date')}",
         "a half-term that starts outside its academic year", "Correct academic_year or the date"),
    Rule("calendar", "end_date", f"end_date >= start_date AND academic_year <> {ACADEMIC_YEAR_OF.format(d='end_date')}"
         f" AND academic_year = {ACADEMIC_YEAR_OF.format(d='start_date')}",
         "a half-term that ends outside its academic year", "Correct academic_year or the date"),
    Rule("interventions", "end_date", "end_date < start_date", "an end before the start",
         "Correct one of the two dates"),
    Rule("interventions", "year_group", "pupil IS NOT NULL AND year_group IS NOT NULL",
         "both a pupil and a year group", "Give one of them, or neither for the whole school"),
)  # fmt: skip

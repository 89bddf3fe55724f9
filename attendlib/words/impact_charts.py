"""The charts behind an impact verdict: half-terms, every defensible choice, and how alike the groups were."""

from collections.abc import Mapping, Sequence

from attendlib.records.answer import Answer, Chart, Row
from attendlib.words.charts import Dot, balance, event_study, specification_curve
from attendlib.words.impact.ways import points_title, ways_title
from attendlib.words.numbers import figure, plain, pupils

FAR_APART = 0.25  # standard deviations: What Works Clearinghouse, no adjusting is enough beyond it
CHOICES = {
    "both earlier absences alike": ("alike", "both"),
    "only the earlier baseline alike": ("alike", "baseline"),
    "change since the earlier baseline": ("alike", "change"),
    "change since before, by half-term": ("alike", "half_terms"),
    "curves rather than lines": ("curve", "spline"),
    "characteristics alike too": ("characteristics", "yes"),
    "entropy weights": ("weights", "entropy"),
    "propensity weights": ("weights", "propensity"),
}


def half_terms_chart(answer: Answer) -> Chart | None:
    """The gap between both groups in each half-term, beside what it was before."""
    rows = answer.select("half_term_gap")
    if not rows:
        return None
    places = [_half_term(row) for row in rows]
    before = sum(row.group.endswith("period=before") for row in rows)
    said = "; ".join(f"{place}: {figure(row)}" for place, row in zip(places, rows, strict=True))
    title = points_title(answer, "half_terms", "absent beside the gap before")
    alt = f"Percentage points fewer absent among the referred, 95% intervals, {pupils(rows[0].n)}. {said}."
    return event_study(title, alt, rows, places, "points fewer absent", start=before - 0.5)


def _half_term(row: Row) -> str:
    year, _, half = row.group.partition(";")[0].partition("=")[2].partition("-")
    return f"{year} half-term {half}"


def choices_chart(answer: Answer) -> Chart | None:
    """Every defensible choice, in order of what it gives."""
    rows = answer.select("choice")
    if len(rows) < 2:
        return None
    made = [_made(row) for row in rows]
    used = {name: [each.get(key) == value for each in made] for name, (key, value) in CHOICES.items()}
    used = {name: marks for name, marks in used.items() if any(marks)}
    values = [row.value for row in rows if row.value is not None]
    if not values:
        return None
    fixed = _fixed_first(answer)
    title = ways_title(answer)
    alt = (
        f"{rows[0].unit.capitalize()} fewer, by {len(rows)} ways of comparing, {pupils(rows[0].n)}: from"
        f" {plain(min(values))} to {plain(max(values))}; the main one gives {_main(rows, fixed)}."
    )
    place = next((place for place, row in enumerate(rows) if row.group == fixed), 0)
    items = [Dot(f"way {number}", row) for number, row in enumerate(rows, 1)]
    return specification_curve(title, alt, items, used, f"fewer {rows[0].unit}", main=place)


def _main(rows: Sequence[Row], fixed: str) -> str:
    return next((figure(row) for row in rows if row.group == fixed), "no figure")


def _fixed_first(answer: Answer) -> str:
    """The choice the study made beforehand."""
    if answer.context["design"] == "half_terms":
        return "alike=half_terms;characteristics=no;curve=none;weights=none"
    return f"alike=both;characteristics=no;curve=spline;weights={answer.context['weights']}"


def _made(row: Row) -> dict[str, str]:
    return dict(part.split("=", 1) for part in row.group.split(";"))


def balance_chart(answer: Answer, measures: Mapping[str, str]) -> Chart | None:
    """How alike the groups were in what is known, with the lines at 0.05 and 0.25."""
    pairs = {}
    for row in answer.select("balance", model="raw"):
        weighted = answer.row("balance", model="weighted", group=row.group)
        if row.value is not None:
            name = measures[row.group.partition("=")[2]]
            pairs[name] = (row.value, None if weighted is None else weighted.value)
    if not pairs:
        return None
    said = "; ".join(
        f"{name} {plain(first, 2)}" + ("" if second is None else f", weighted {plain(second, 2)}")
        for name, (first, second) in pairs.items()
    )
    title = f"{_far_apart([first for first, _ in pairs.values()])}, {answer.context['school_name']}"
    alt = f"Standardised differences, referred less compared; 0 is alike, lines at 0.05 and 0.25. {said}."
    return balance(title, alt, pairs)


def _far_apart(found: Sequence[float]) -> str:
    """'2 of 7 things known before the start lay over a quarter of a standard deviation apart as found'."""
    far, apart = sum(abs(each) > FAR_APART for each in found), "a quarter of a standard deviation apart as found"
    if len(found) == 1:
        return f"The one thing known before the start lay {'over' if far else 'at most'} {apart}"
    return f"{far or 'None'} of {len(found)} things known before the start lay over {apart}"

"""transition_dip in words: the same pupils before and after moving up, beside what was to be expected."""

from attendlib.facts.definitions import DAYS_A_YEAR
from attendlib.facts.labels import group_label
from attendlib.records.answer import Answer, Row, Story
from attendlib.words.dip.charts import group_chart, half_term_chart
from attendlib.words.dip.expected import expected_from, reference_words
from attendlib.words.dip.sections import sections
from attendlib.words.dip.tables import expected_shares, headline_table, persistent_table
from attendlib.words.numbers import figure, interval_words, lessons, no_size, places_for, plain, pupils, rise, than

TOO_FEW = ("Too few pupils to tell", "Too early to tell", "Cannot tell")
CAVEATS = (
    "Pupils with hardly any absence can only go up, and those with much tend to drift back: that is why each is set"
    " beside pupils who missed as much before, and why no share who rose or fell stands alone.",
    "Primary and secondary schools may record lateness and time off site differently.",
    "Groups are as they were before the move. Not having got a first choice of school, or joining late, is a sign of"
    " other things, not a reason by itself.",
)
STAYERS = (
    "A year of age and a different school come together: pupils a year younger who did not move differ from these in"
    " both, so ageing remains in the comparison. The step after it is shown for that reason."
)
OTHERS = (
    "Expected here means as at the other schools, whose pupils moved up too: it says how this school differs from them,"
    " not how far absence changes with the move."
)
NOBODY = "Pupils are not set beside others, so ageing and a different year are part of the change"


def tell(answer: Answer) -> Story:
    """The story of a done answer."""
    curve = half_term_chart(answer)
    return Story(
        title=_title(answer),
        sentences=_sentences(answer),
        badge=answer.verdict,
        charts=(group_chart(answer), *((curve,) if curve else ())),
        tables=(headline_table(answer), persistent_table(answer), *expected_shares(answer)),
        caveats=_caveats(answer),
        next_steps=_next_steps(answer),
        sections=sections(answer),
    )


def _name(answer: Answer) -> str:
    return "dip" if answer.context["reference"] else "change"


def _title(answer: Answer) -> str:
    c = answer.context
    move = f"from {c['before']} to {c['after']}"
    about = "is other than expected" if c["reference"] else "changed"
    if answer.verdict in TOO_FEW:
        return f"{answer.verdict} whether absence {about} {move}"
    if answer.verdict in ("No clear change", "No clear difference"):
        return f"{answer.verdict} in absence {move}"
    return f"{answer.verdict} {move}"


def _sentences(answer: Answer) -> tuple[str, ...]:
    main = answer.row(_name(answer), scope="school", group="", model="")
    if main is None or main.value is None:
        return (f"{answer.verdict}: {'; '.join(answer.reasons) or 'the figures are withheld'}.",)
    reasons = (f"{answer.verdict}: {'; '.join(answer.reasons)}.",) if answer.reasons else ()
    return (
        *_first(answer, main),
        *reasons,
        *reference_words(answer),
        *_raw(answer),
        *_groups(answer),
        *_scope(answer),
    )


def _first(answer: Answer, points: Row) -> tuple[str, ...]:
    """The answer: days in the weeks compared, then a year, then points; points alone where days are withheld."""
    c, name = answer.context, _name(answer)
    what = f"expected {expected_from(answer)}" if c["reference"] else f"the same pupils did in {c['before']}"
    window, year = (answer.row(f"{name}_{end}", scope="school", group="") for end in ("window_days", "days"))
    row = points if window is None or window.value is None else window
    of = "percentage points of their possible sessions" if row is points else "days"
    value = row.value or 0
    size = f"{plain(abs(value), places_for(row))} {of} {'more' if value >= 0 else 'fewer'}"
    first = (
        f"In {c['after']}, pupils at {c['school_name']} missed {f'about as many {of}' if no_size(row) else size}"
        f" over the weeks compared {than(row)} {what}"
        f" (95% interval {interval_words(row, 'fewer', 'more')};"
        f" {'' if row is points else lessons(value) + '; '}{pupils(row.n)})."
    )
    days = (
        f"That is {figure(year)} days in a year of {DAYS_A_YEAR}, or" if year and year.value is not None else "That is"
    )
    return (first, f"{days} {figure(points)} percentage points of their possible sessions. This school only.")


def _raw(answer: Answer) -> tuple[str, ...]:
    """What was seen, without any expectation, and the plain double difference."""
    c = answer.context
    before, after, change = (
        answer.row(
            name, scope="school", group="", model="", period=f"{c['before_academic_year']} to {c['academic_year']}"
        )
        for name in ("absence_before", "absence_after", "change")
    )
    if before is None or after is None or change is None or None in (before.value, after.value, change.value):
        return ()
    seen = (
        f"Seen: {plain(before.value or 0)}% of sessions missed in {c['before']} and {plain(after.value or 0)}% in"
        f" {c['after']}: it {rise(change, 'points')}."
    )
    both = answer.row("double_difference", scope="school", group="")
    if both is None or both.value is None:
        return (seen,) if c["reference"] else (f"That is {plain(before.value or 0)}% and {plain(after.value or 0)}%.",)
    return (f"{seen} Against the pupils compared with it {rise(both, 'points')}, with nothing held alike.",)


def _groups(answer: Answer) -> tuple[str, ...]:
    days, points = (answer.select(f"{_name(answer)}{end}", scope="school", model="") for end in ("_days", ""))
    rows, unit = (days, "days") if days else (points, "points")
    shown = [
        f"{group_label(row.group)}, {figure(row)}, {pupils(row.n)}"
        for row in rows
        if row.group and row.value is not None
    ]
    what = f"More {unit} than {'expected' if answer.context['reference'] else 'before'}"
    return (f"{what}: {'; '.join(shown)}.",) if shown else ()


def _scope(answer: Answer) -> tuple[str, ...]:
    """How many cohorts this rests on, and all schools beside it."""
    c = answer.context
    together = answer.row(_name(answer), scope="school", model="all cohorts")
    if c["cohorts"] == "1":
        cohorts = "One cohort in one school: another year's pupils may differ."
    elif together is None:
        cohorts = f"{c['cohorts']} cohorts are in the data."
    else:
        cohorts = f"{c['cohorts']} cohorts together: {figure(together)} points ({pupils(together.n)})."
    found = answer.row(f"{_name(answer)}_days", scope="all", group="")
    if found is not None and found.value is not None:
        return (cohorts, f"All {found.n_groups} schools together: {figure(found)} days a year, {pupils(found.n)}.")
    return (cohorts, f"All schools together: {c['no_trust']}.") if "no_trust" in c else (cohorts,)


def _caveats(answer: Answer) -> tuple[str, ...]:
    c = answer.context
    nothing = f"{NOBODY}: {c['no_reference']}."
    about = {"stayers": STAYERS, "other_schools": OTHERS, "": nothing}[c["reference"]]
    left = (f"{c['not_left_out'][:1].upper()}{c['not_left_out'][1:]}.",) if "not_left_out" in c else ()
    return (f"Compared: {c['compared']}.", about, *left, *CAVEATS)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    c = answer.context
    if answer.verdict in TOO_FEW:
        return ("Put several years together, or look at all schools that receive these pupils.",)
    return (
        f"Look at the half-terms in turn: {c['after']} often starts low and climbs later.",
        "Ask the feeder schools what helped the pupils who missed most.",
    )

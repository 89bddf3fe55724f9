"""intervention_impact in words: what may be said of referred pupils beside pupils chosen by the same rule."""

from attendlib.records.answer import Answer, Chart, Row, Section, Story, Table
from attendlib.words.charts import three_bars
from attendlib.words.impact.designs import MANNERS
from attendlib.words.numbers import (
    chances,
    count,
    days_and_lessons,
    figure,
    interval_words,
    no_size,
    places_for,
    plain,
    pupils,
    share,
    than,
)
from attendlib.words.rule import IF_ALIKE
from attendlib.words.tables import WITHHELD_NOTE

CANNOT_TELL = "Cannot tell"
LIKELIEST = ("Worse", "No useful difference", "Better")
SIDES = {"referred=1": "referred", "referred=0": "compared"}
CAVEATS = (
    "Nobody drew lots: staff chose who was referred, and what they knew of a pupil may differ between the groups.",
    "Pupils chosen for low attendance tend to drift back by themselves; that is why both groups are shown.",
    "If pupils are referred in a passing bad spell, a baseline close to that spell would flatter the referral.",
)
METHOD = (
    "Everyone referred counts, whether or not they took part. Pupils are compared within their school and year group;"
    " outside the range of the referred pupils' absence nobody is used.",
    "The main comparison holds absence when pupils were chosen and absence over an earlier baseline alike, each by a"
    " smooth curve. The check looks only at the change since the earlier baseline and skips the time of choosing.",
    "One school: HC2 standard errors; all schools: clustered by school (CR2). With the design on half-terms the change"
    " since before decides first, and the main comparison becomes its check.",
)
NEXT = {
    "helped": "Say what was offered, to whom and for how long, so that others can try the same.",
    "Probably no useful difference": "Report it all the same, and weigh its cost against what else could be tried.",
    "May have done harm": "Pause it, ask those it was meant for, and look at what else changed at the same time.",
}
BESIDE = {
    "same_school": "pupils alike in earlier absence",
    "other_schools": "pupils of other schools alike in earlier absence",
    "earlier_cohort": "the year before's pupils alike in earlier absence",
}


def tell(answer: Answer) -> Story:
    """The story of a done answer: sentence, verdict, three bars, one table; the rest is in the details."""
    # "Cannot tell" claims nothing, so nothing needs to be granted first.
    badge = answer.verdict if answer.verdict == CANNOT_TELL else f"{answer.verdict}, {IF_ALIKE}"
    values = chance_values(answer)
    manner = MANNERS.get(answer.context["design"])
    return Story(
        title=badge,
        sentences=_sentences(answer),
        badge=badge,
        charts=(_bars(answer, values),) if "main" in values else (),
        tables=(differences(answer),),
        caveats=manner.caveats if manner else CAVEATS,
        next_steps=_next_steps(answer),
        sections=(Section("How it was compared", manner.method if manner else METHOD),),
    )


def main_model(answer: Answer) -> str:
    """The model whose estimate decides first."""
    if manner := MANNERS.get(answer.context["design"]):
        return manner.main
    return "half_terms" if answer.context["design"] == "half_terms" else "adjusted"


def model_names(answer: Answer) -> dict[str, str]:
    """What each model is called on this page, in the order of its tables."""
    if manner := MANNERS.get(answer.context["design"]):
        return {**manner.models, "shrunken": "Main, drawn toward published trials"}
    alike, change = "alike in earlier absence", "change since the earlier baseline"
    if main_model(answer) == "half_terms":
        first = {
            "half_terms": "Main: change since before, by half-term",
            "adjusted": f"Check: {alike}",
            "check": f"Also: {change}",
        }
    else:
        first = {"adjusted": f"Main: {alike}", "check": f"Check: {change}"}
    return {
        "raw": "Not adjusted", **first, "shrunken": "Main, drawn toward published trials",
        "engaged": "Only those who started, alike in earlier absence",
    }  # fmt: skip


def _sentences(answer: Answer) -> tuple[str, ...]:
    year = answer.row("days_fewer", model=main_model(answer))
    window = answer.row("days_fewer_in_window", model=main_model(answer)) or year
    if window is None or window.value is None:
        return (f"{answer.verdict}: {'; '.join(answer.reasons) or 'the figures are withheld'}.",)
    manner = MANNERS.get(answer.context["design"])
    found = (
        manner.first(answer) if manner else _first(answer, window),
        "" if window is year else _year(year),
        _why(answer),
        _chances(answer),
        *(manner.more(answer) if manner else (_pair(answer),)),
        _reach(answer),
        _many(answer),
    )
    return tuple(sentence for sentence in found if sentence)


def _first(answer: Answer, window: Row) -> str:
    c = answer.context
    told = f"(95% interval {interval_words(window, 'more', 'fewer')}; {pupils(window.n)})"
    who = f"over about {c['window_days']} school days, pupils referred to {c['intervention']}"
    if main_model(answer) == "half_terms":
        what = f"{days_and_lessons(window)}, beside {_beside(answer)}, {than(window)} before they were chosen"
    else:
        what = f"{days_and_lessons(window)} {than(window)} {_beside(answer)}"
    return f"{c['school_name']}: {who} missed {what} {told}."


def _beside(answer: Answer) -> str:
    if main_model(answer) == "half_terms":
        return {"other_schools": "pupils of other schools"}.get(answer.context["comparison"], "the pupils compared")
    return BESIDE[answer.context["comparison"]]


def _year(row: Row | None) -> str:
    if row is None or row.value is None:
        return ""
    size = plain(abs(row.value), places_for(row))
    days = f"{size} {'day' if size == '1' else 'days'} {'fewer' if row.value >= 0 else 'more'}"
    days = "about no difference" if no_size(row) else days
    return f"Over a whole year that would be {days} ({interval_words(row, 'more', 'fewer')})."


def _why(answer: Answer) -> str:
    reasons = "; ".join(reason[:1].lower() + reason[1:].rstrip(".") for reason in answer.reasons)
    return f"{answer.verdict}: {reasons}." if reasons else ""


def chance_values(answer: Answer) -> dict[str, list[float]]:
    """Chances of worse, none and better in percent: before, main and check, those there are."""
    names = {"before": "before", "adjusted": "main", "check": "check"}
    found: dict[str, list[float]] = {}
    for model, name in names.items():
        rows = [answer.row(f"chance_{what}", model=model) for what in ("worse", "none", "better")]
        values = [row.value for row in rows if row is not None and row.value is not None]
        if len(values) == 3:
            found[name] = values
    return found


def _chances(answer: Answer) -> str:
    values = chance_values(answer)
    if "main" not in values:
        return ""
    worse, none, better = values["main"]
    return (
        f"Main comparison: {chances(better)} of at least {answer.context['delta_days']} days a year fewer,"
        f" {chances(none)} of no useful difference, {chances(worse)} of at least as many more."
    )


def _pair(answer: Answer) -> str:
    treated, compared = (answer.row("improved", group=side) for side in SIDES)
    if treated is None or compared is None or treated.value is None or compared.value is None:
        return ""
    return (
        f"Missed less afterwards than when chosen: {share(treated)} of those referred, and {share(compared)} of those"
        f" they are compared with{of_schools(answer, treated)}."
    )


def of_schools(answer: Answer, row: Row | None) -> str:
    """Which schools a share is of, where it is not all."""
    every = answer.row("points_fewer", model="raw")
    if every is None or row is None or row.n_groups is None or every.n_groups is None or row.n_groups >= every.n_groups:
        return ""
    return f" ({row.n_groups} of {every.n_groups} schools: the others' shares would be of too few pupils)"


def _reach(answer: Answer) -> str:
    row, rule = answer.row("detectable_days"), answer.row("rule_detectable_days")
    if row is None or row.value is None:
        return ""
    first = f"A comparison of this size finds a true difference of {_whole(row)} days a year in four cases of five"
    if "vetoes" in answer.context:
        unit = {"schools": "school's", "studies": "study's"}[answer.context["unit"]]
        return f"{first}; a verdict also needs every {unit} own checks to pass."
    if "check" not in chance_values(answer):
        return f"{first}."
    if rule is None or rule.value is None:
        return (
            f"{first}; for the verdict's own rule no difference would be enough with so few {answer.context['unit']}."
        )
    return f"{first}; the verdict's own rule needs {_whole(rule)}."


def _whole(row: Row) -> str:
    """Days to be detected: to one place under ten, else whole."""
    value = row.value or 0
    return plain(value, 1 if value < 9.95 else 0)


def _many(answer: Answer) -> str:
    row = answer.row("verdicts_by_chance")
    if row is None or row.value is None or row.n_groups is None:
        return ""
    many = "fewer than 1" if row.value < 1 else f"up to {plain(row.value, 1)}"
    return (
        f"{row.n_groups} schools have pages of their own: where nothing differs, chance alone may still make {many}"
        " of them read 'Probably helped', on average."
    )


def _bars(answer: Answer, values: dict[str, list[float]]) -> Chart:
    c = answer.context
    after = {name: found for name, found in values.items() if name != "before"}
    said = [f"{name}: worse {w:.0f}, none {n:.0f}, better {b:.0f}" for name, (w, n, b) in after.items()]
    title = f"{_likeliest(after)}, {c['school_name']}"
    alt = (
        f"Chances in 100 that the difference is at least {c['delta_days']} days a year worse, not useful, or at least"
        f" as much better. Before the data: worse 25, none 50, better 25. After, {'; after, '.join(said)}."
    )
    return three_bars(title, alt, values["before"], after)


def _likeliest(after: dict[str, list[float]]) -> str:
    """'No useful difference is the likeliest': what most chances are of, by each way where they part."""
    most = {name: LIKELIEST[found.index(max(found))] for name, found in after.items()}
    if len(set(most.values())) == 1:
        return f"{next(iter(most.values()))} is the likeliest"
    said = "; ".join(f"{what.lower()} is the likeliest by the {name} comparison" for name, what in most.items())
    return said[:1].upper() + said[1:]


def differences(answer: Answer) -> Table:
    """Fewer days by each way of comparing: in the window, and a year."""
    cells = []
    for model, name in model_names(answer).items():
        window, year = (answer.row(what, model=model) for what in ("days_fewer_in_window", "days_fewer"))
        either = window or year
        if either is not None:
            cells.append((name, _cell(window), _cell(year), either.withheld or count(either.n)))
    columns = ("Comparison", "Days in the window", "Days a year", "Pupils")
    points = answer.row("points_fewer", model=main_model(answer))
    notes = ["Above 0: fewer days missed."]
    if points is not None and points.value is not None:
        notes.append(f"Main in percentage points of possible sessions: {figure(points)}.")
    if any("c" in cell[1:] for cell in cells):
        notes.append(WITHHELD_NOTE)
    who = "" if answer.context["design"] in MANNERS else " by referred pupils"
    caption = f"Fewer days missed{who}, {answer.context['outcome']}, 95% intervals"
    return Table(caption, columns, tuple(cells), columns[1:], " ".join(notes))


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if row.value is None or row.low is None or row.high is None:
        return figure(row)
    places = places_for(row)
    return f"{plain(row.value, places)} ({plain(row.low, places)} to {plain(row.high, places)})"


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if not answer.verdict.startswith("Cannot tell"):
        return (NEXT.get(answer.verdict, NEXT["helped"]),)
    rule = answer.row("rule_detectable_days")
    here = f" This comparison could tell {_whole(rule)} days a year or more." if rule and rule.value else ""
    pool = "Put the schools of the hub together" if answer.scope == "school" else "Ask further schools to join"
    if "vetoes" in answer.context:
        more = f"The more {answer.context['unit']}, the surer the mean, not the verdict"
        first = f"{more}: one whose own check fails stops it. See the mean without such, and why it failed."
    else:
        first = f"{pool}: more pupils find smaller differences.{here}"
    return (
        first,
        "Follow the same pupils for longer, and fix now when the next look will be.",
        "Next time more pupils qualify than there are places, draw lots for a waiting list: chance makes groups alike.",
    )

"""intervention_impact in words: what may be said of referred pupils beside pupils chosen by the same rule."""

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, dots, three_bars
from attendlib.words.numbers import chances, figure, interval_words, places_for, plain, pupils, share
from attendlib.words.rule import IF_ALIKE
from attendlib.words.tables import Line, checks_table, estimates_table, shares_table

SIDES = {"referred=1": "referred", "referred=0": "compared"}
MODELS = {
    "raw": "Not adjusted",
    "adjusted": "Main: alike in earlier absence",
    "check": "Check: change since the earlier baseline",
}
CAVEATS = (
    "Nobody drew lots: staff chose who was referred, and what they knew of a pupil may differ between the groups.",
    "Pupils chosen for low attendance tend to drift back by themselves; that is why both groups are shown.",
    "If pupils are referred in a passing bad spell, a baseline close to that spell would flatter the referral.",
)


def tell(answer: Answer) -> Story:
    """The story of a done answer."""
    main = answer.row("days_fewer", model="adjusted")
    return Story(
        title=f"{_badge(answer)}",
        sentences=_sentences(answer, main),
        badge=_badge(answer),
        charts=_charts(answer),
        tables=(_differences(answer), _levels(answer), _improved(answer), checks_table(answer.checks)),
        caveats=CAVEATS,
        next_steps=_next_steps(answer),
    )


def _badge(answer: Answer) -> str:
    return f"{answer.verdict}, {IF_ALIKE}"


def _sentences(answer: Answer, main: Row | None) -> tuple[str, ...]:
    c = answer.context
    window = answer.row("days_fewer_in_window", model="adjusted")
    if window is None or window.value is None:
        return (f"{answer.verdict}: {'; '.join(answer.reasons) or 'the figures are withheld'}.",)
    first = (
        f"{c['school_name']}: over about {c['window_days']} school days, pupils referred to {c['intervention']} missed"
        f" {_fewer(window)} than pupils alike in earlier absence (95% interval"
        f" {interval_words(window, 'more', 'fewer')}; {pupils(window.n)})."
    )
    return (
        first,
        *_year(main),
        *_why(answer),
        *_chance_sentence(answer),
        *_improved_sentence(answer),
        *_detectable(answer),
    )


def _year(main: Row | None) -> tuple[str, ...]:
    if main is None or main.value is None:
        return ()
    return (f"Over a whole year that would be {_fewer(main)} ({interval_words(main, 'more', 'fewer')}).",)


def _why(answer: Answer) -> tuple[str, ...]:
    reasons = "; ".join(_sentence_case(reason) for reason in answer.reasons)
    return (f"{answer.verdict}: {reasons}.",) if reasons else ()


def _sentence_case(reason: str) -> str:
    return reason[:1].lower() + reason[1:].rstrip(".")


def _fewer(row: Row) -> str:
    assert row.value is not None
    return f"{plain(abs(row.value), places_for(row))} days {'fewer' if row.value >= 0 else 'more'}"


def _chance_sentence(answer: Answer) -> tuple[str, ...]:
    found = [answer.row(f"chance_{name}", model="adjusted") for name in ("worse", "none", "better")]
    if any(row is None or row.value is None for row in found):
        return ()
    worse, none, better = (row.value or 0.0 for row in found if row is not None)
    return (
        f"Main comparison: {chances(better)} of at least {answer.context['delta_days']} days a year fewer,"
        f" {chances(none)} of no useful difference, {chances(worse)} of at least as many more.",
    )


def _improved_sentence(answer: Answer) -> tuple[str, ...]:
    treated, compared = (answer.row("improved", group=side) for side in SIDES)
    if treated is None or compared is None or treated.value is None or compared.value is None:
        return ()
    return (
        f"Missed less afterwards than when chosen: {share(treated)} of those referred, and {share(compared)} of those"
        " they are compared with.",
    )


def _detectable(answer: Answer) -> tuple[str, ...]:
    row = answer.row("detectable_days")
    if row is None or row.value is None:
        return ()
    return (f"A comparison of this size finds a true difference of {row.value:.1f} days a year in four cases of five.",)


def _charts(answer: Answer) -> tuple[Chart, ...]:
    days = [row for row in answer.rows if row.estimate == "days_fewer"]
    days = days or [row for row in answer.rows if row.estimate == "days_fewer_in_window"]
    values = _chance_values(answer)
    bars = (_bars(answer, values),) if "adjusted" in values else ()
    return (*bars, _dots(answer, days))


def _chance_values(answer: Answer) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for model in ("before", "adjusted", "check"):
        rows = [answer.row(f"chance_{name}", model=model) for name in ("worse", "none", "better")]
        values = [row.value for row in rows if row is not None and row.value is not None]
        if len(values) == 3:
            found[model] = values
    return found


def _bars(answer: Answer, values: dict[str, list[float]]) -> Chart:
    c = answer.context
    names = {"adjusted": "main", "check": "check"}
    after = {names[model]: found for model, found in values.items() if model != "before"}
    said = [f"{name}: worse {w:.0f}, none {n:.0f}, better {b:.0f}" for name, (w, n, b) in after.items()]
    title = f"Chances before and after the data, {c['school_name']}"
    alt = (
        f"Chances in 100 that the difference is at least {c['delta_days']} days a year worse, not useful, or at least"
        f" as much better. Before the data: worse 25, none 50, better 25. After, {'; after, '.join(said)}."
    )
    return three_bars(title, alt, values["before"], after)


def _dots(answer: Answer, rows: list[Row]) -> Chart:
    c = answer.context
    unit = rows[0].unit if rows else "days a year"
    said = [f"{MODELS[row.model]}: {figure(row)}, {pupils(row.n)}" for row in rows if row.value is not None]
    title = f"Fewer days missed by referred pupils, {c['school_name']}"
    alt = f"Fewer {unit} missed by referred pupils, dot and 95% interval. {'; '.join(said) or 'All withheld'}."
    items = [Dot(MODELS[row.model].partition(":")[0], row) for row in rows]
    return dots(title, alt, items, f"fewer {unit} missed (left of 0: more)", zero_line=True)


def _differences(answer: Answer) -> Table:
    names = {"days_fewer_in_window": "days in the window", "days_fewer": "days a year", "points_fewer": "points"}
    rows = [row for name in names for row in answer.select(name)]
    lines = [Line(f"{MODELS[row.model]} ({names[row.estimate]})", row) for row in rows]
    lines += [Line("Rate of sessions missed, referred to compared (ratio)", row) for row in answer.select("rate_ratio")]
    caption = f"Fewer days missed by referred pupils, {answer.context['outcome']}, 95% intervals"
    return estimates_table(
        caption, "Comparison", "Difference", lines, "Above 0: fewer days missed. Ratio under 1: fewer."
    )


def _levels(answer: Answer) -> Table:
    whens = {"baseline": "earlier baseline", "window": "when chosen", "outcome": "after the start"}
    lines = [
        Line(f"{SIDES[row.group].capitalize()}, {when}: {answer.context[name]}", row)
        for name, when in whens.items()
        for row in answer.select(f"absence_{name}")
    ]
    caption = "Percent of possible sessions missed: referred pupils, and pupils chosen by the same rule"
    rule = answer.context["rule"]
    note = f"The rule: {rule} when chosen." if rule else "The study gives no rule by which pupils were chosen."
    return estimates_table(caption, "Group and time", "Percent missed", lines, note)


def _improved(answer: Answer) -> Table:
    pairs = [(SIDES[row.group].capitalize(), (row,)) for row in answer.select("improved")]
    caption = "Pupils who missed less after the start than when chosen: never one group without the other"
    return shares_table(caption, "Pupils", ("Missed less",), pairs)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if answer.verdict.startswith("Cannot tell"):
        return (
            "Put the schools of the hub together, or follow the pupils for longer.",
            "Next time more pupils qualify than there are places, draw lots for a waiting list.",
        )
    return ("Say what was offered, to whom and for how long, so that others can try the same.",)

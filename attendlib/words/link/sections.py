"""What attainment_link folds away: bands, what is not recorded, missing results, kinds, improvers, others' figures."""

from attendlib.facts.published_links import days_estimates, published_links
from attendlib.records.answer import Answer, Row, Section, Table
from attendlib.words.link.bands import band_table, band_words, capital
from attendlib.words.numbers import figure, plain, pupils, rounded, share
from attendlib.words.tables import Line, estimates_table, shares_table

MEASURED = {
    "prior": "the prior result",
    "fsm6": "free school meals in the last six years",
    "fsm": "free school meals",
}
KINDS = {"illness": "illness", "other_authorised": "other authorised absence", "unauthorised": "unauthorised absence"}
READINGS = {
    "adjusted": "Pupils with a result, as above",
    "not_achieved": "No result counted as not reached",
    "imputed": "Missing results and prior results filled in many times over",
    "everyone": "Pupils without a prior result counted too, none held alike",
    "bound_low": "Missing results at whichever end lowers the difference most",
    "bound_high": "Missing results at whichever end raises it most",
}
PATTERNS = {
    "improved": "10% or more missed last year, under 10% this year",
    "both": "10% or more missed in both years",
    "others": "Under 10% last year, or last year not known",
}


def sections(answer: Answer) -> tuple[Section, ...]:
    """Every section that has something to say."""
    made = (
        Section("Results by band of absence", (), (), (band_table(answer),)),
        _hidden(answer),
        _missing(answer),
        _kinds(answer),
        _improvers(answer),
        _trust(answer),
        _published(answer),
    )
    return tuple(section for section in made if section.tables or section.sentences)


def _hidden(answer: Answer) -> Section:
    """How strong something not recorded would have to be."""
    title = "How much would something not recorded need to explain?"
    needed = answer.row("robustness_value", group="brings=estimate")
    limit = answer.row("robustness_value", group="brings=interval")
    if needed is None or limit is None or needed.value is None or limit.value is None:
        return Section(title)
    if limit.value == 0:
        return Section(title, ("Nothing: the interval already holds no difference.",))
    words = [
        f"To bring the adjusted difference to nothing, something not recorded would have to explain"
        f" {_percent(needed)} of what is left of both absence and results once everything held alike is taken out."
        f" To bring the interval to nothing, {_percent(limit)} of both."
    ]
    risks = answer.row("e_value", group="brings=estimate"), answer.row("e_value", group="brings=interval")
    if risks[0] is not None and risks[0].value is not None and risks[1] is not None and risks[1].value is not None:
        words.append(
            f"As ratios of chances (E-value): it would have to go with both absence and the result by a ratio of"
            f" {plain(risks[0].value, 2)} or more each; {plain(risks[1].value, 2)} would bring the interval to nothing."
        )
    lines = [Line(_strength(row), row) for row in _possible(answer)]
    if not lines:
        return Section(title, tuple(words))
    caption = "The difference that would be left, if something not recorded were as strong as what is"
    note = "; as strong as ".join(_explains(answer, row) for row in _possible(answer) if "times=1" in row.group)
    table = estimates_table(
        caption, "As strong as", f"Difference, {answer.context['unit']}", lines, f"As strong as {note}."
    )
    return Section(title, tuple(words), (), (table,))


def _possible(answer: Answer) -> list[Row]:
    """Those that leave something of the result to explain."""
    full = {row.group for row in answer.select("benchmark_with_result") if row.value is not None and row.value > 99.99}
    return [row for row in answer.select("link_if_hidden") if row.group not in full]


def _strength(row: Row) -> str:
    times, name = _hidden_group(row)
    return ("twice " if times == "2" else "") + MEASURED[name]


def _explains(answer: Answer, row: Row) -> str:
    found = [answer.row(f"benchmark_with_{what}", group=row.group) for what in ("absence", "result")]
    absence, result = (rounded(each.value, 1) if each and each.value is not None else "c" for each in found)
    name = MEASURED[_hidden_group(row)[1]]
    return f"{name} is at most {absence}% of what is left of absence and {result}% of what is left of results"


def _hidden_group(row: Row) -> tuple[str, str]:
    parts = dict(part.split("=") for part in row.group.split(";"))
    return parts["times"], parts["within"]


def _missing(answer: Answer) -> Section:
    title = "Pupils without a result"
    rows = answer.select("missing_result", scope="school")
    if not rows:
        none = any(step.reason == "no result" and step.lost == 0 for step in answer.steps)
        few = "Too few pupils lack a result, or an earlier one, for more to be told of them."
        return Section(title, ("Every pupil compared has a result." if none else few,))
    total = rows[-1]
    words = [f"{share(total)} of the pupils with attendance have no result."] if total.value is not None else []
    lines = [(f"{band_words(row)} absent" if row.group else "All pupils", [row]) for row in rows]
    caption = "Pupils with attendance but no result"
    tables = [shares_table(caption, "Absence", ("No result",), lines)] if len(rows) > 1 else []
    again = [
        Line(words, row)
        for model, words in READINGS.items()
        if (row := answer.row("link", scope="school", model=model)) is not None
    ]
    if len(again) < 2:
        words.append("Too few pupils lack a result for another reading of them to be told.")
    else:
        words.append(
            "The same difference, with missing results read in other ways. Whatever the missing results were, for these"
            " pupils the figure lies between the last two."
        )
        caption = "The difference under other readings of missing results"
        what = f"Difference, {answer.context['unit']}"
        tables.append(
            estimates_table(caption, "Reading", what, again, "The last two use the lowest and highest result.")
        )
    return Section(title, tuple(words), (), tuple(tables))


def _kinds(answer: Answer) -> Section:
    """Secondary: kinds, spells, a short window."""
    lines = [
        Line(f"5% of sessions missed as {KINDS[row.group.partition('=')[2]]}, against none", row)
        for row in answer.select("link_by_kind", scope="school")
    ]
    lines += [
        Line(f"{row.group.partition('=')[2]} spells, for the same absence", row)
        for row in answer.select("link_by_spells", scope="school")
    ]
    c = answer.context
    named = f"{c['high_pct']}% against {c['low_pct']}%"
    windows = {"short_window": f"{named} in a pupil's first half-term", "whole_year": f"{named} over the whole span"}
    lines += [Line(words, row) for model, words in windows.items() if (row := _link(answer, model)) is not None]
    if not lines:
        return Section("Kinds of absence, spells, and a shorter look")
    words = ["These are second looks, each with other choices open: none of them carries the answer."]
    r = answer.row("short_window_correlation", scope="school")
    if r is not None and r.value is not None:
        words.append(
            f"A half-term says less about a pupil than a year: its absence goes with that of the rest at a correlation"
            f" of {plain(r.value, 2)} ({pupils(r.n)}), so differences by it tend to look smaller."
        )
    caption = "Kinds of absence, spells and a short window: all else held alike"
    table = estimates_table(caption, "Comparison", f"Difference, {c['unit']}", lines)
    return Section("Kinds of absence, spells, and a shorter look", tuple(words), (), (table,))


def _improvers(answer: Answer) -> Section:
    title = "Pupils who missed 10% or more last year"
    moved = answer.row("improved_share", scope="school")
    if moved is None:
        return Section(title)
    words = [f"{share(moved)} of them missed under 10% this year."]
    expected = answer.row("improved_expected", scope="school")
    if expected is not None and expected.value is not None:
        words.append(
            f"Of pupils in this school's other year groups with as much absence last year, {rounded(expected.value)}%"
            f" did ({pupils(expected.n)}): a bad year is often followed by a better one, with no reason needed."
        )
    words.append(
        "Those who came back were not like those who did not, last year or in earlier results: this describes them and"
        " says nothing about what coming back does."
    )
    c = answer.context
    shown = [row for row in answer.select("result_by_pattern", scope="school") if row.value is not None]
    lines = [Line(PATTERNS[_value(row)], row) for row in shown]
    if not lines:
        words.append("Their results are withheld, so that no pupil can be recognised.")
    what = f"{capital(c['outcome'])}, {'percent' if c['unit'] == 'in every 100 pupils' else 'mean'}"
    caption = f"{capital(c['outcome'])} by absence in two years"
    tables = [estimates_table(caption, "Absence", what, lines)] if lines else []
    more = [Line(f"Prior result: {PATTERNS[_value(row)].lower()}", row) for row in answer.select("prior_by_pattern")]
    labels = {
        "raw": f"{capital(c['outcome'])}: those who came back less those who did not",
        "adjusted": "The same among pupils alike, with equal absence last year",
    }
    more += [Line(labels[row.model], row) for row in answer.select("improver_difference", scope="school")]
    if more:
        tables.append(estimates_table("How those who came back differ", "Comparison", "Figure", more))
    return Section(title, tuple(words), (), tuple(tables))


def _trust(answer: Answer) -> Section:
    """What all schools show, within and between them, and this school drawn toward the others."""
    c = answer.context
    labels = {
        "adjusted": "Within schools, adjusted, clustered by school",
        "random_intercept": "Within schools, by a random intercept",
        "raw": "Within schools, not adjusted",
    }
    lines = [
        Line(words, row) for model, words in labels.items() if (row := answer.row("link", scope="all", model=model))
    ]
    between = answer.row("link_between", scope="all")
    if between is not None:
        lines.append(Line("Between schools: one point more mean absence", between))
    shrunken = _link(answer, "shrunken")
    if shrunken is not None:
        lines.append(Line("This school, drawn toward the others", shrunken))
    if not lines:
        return Section("Beside the other schools")
    words = [_beside_words(answer)]
    if between is not None:
        words.append("What lies between schools is no pupil's difference: schools differ in much else.")
    caption = f"{c['high_pct']}% against {c['low_pct']}% absence in all schools"
    table = estimates_table(caption, "Comparison", f"Difference, {c['unit']}", lines)
    return Section("Beside the other schools", tuple(words), (), (table,))


def _beside_words(answer: Answer) -> str:
    """Whether this school can be told apart from the others; never that it is like them."""
    apart = answer.row("link_beside_others", scope="school")
    if apart is None or apart.value is None or apart.low is None or apart.high is None:
        return (
            "Fewer than eight schools have pupils enough for a link of their own, so no school is drawn toward others."
        )
    if apart.low <= 0 <= apart.high:
        return (
            f"Too few pupils to tell this school's difference apart from that of the {apart.n_groups} schools:"
            f" it lies {figure(apart)} {answer.context['unit']} from theirs."
        )
    return (
        f"This school's difference lies {figure(apart)} {answer.context['unit']} from that of the {apart.n_groups}"
        " schools, after allowing for chance."
    )


def _published(answer: Answer) -> Section:
    c = answer.context
    rows = tuple(
        (f"{found.publication}, {found.academic_year}", f"{found.what}: {found.figure}", found.differs)
        for found in published_links(c["measure"])
    )
    tables = (
        [Table("Published figures for England", ("Source and year", "Figure", "What differs"), rows)] if rows else []
    )
    link = answer.row("link_sd", scope="school", model="adjusted") or answer.row("link_sd", scope="school", model="raw")
    words = ["None of these is a standard for one school: pupils, years and measures differ."]
    if link is not None and link.value is not None:
        days = (float(c["high_pct"]) - float(c["low_pct"])) / 100 * float(c["year_days"])
        cells = tuple(
            (
                f"{found.study}, {found.subject}",
                _days_range(found.sd_per_day_low, found.sd_per_day_high, days),
                found.differs,
            )
            for found in days_estimates()
        )
        columns = ("Source", f"For {rounded(days)} days, standard deviations", "What differs")
        tables.append(Table("Where absence came about by something like chance", columns, cells, (columns[1],)))
        words.append(
            f"{c['high_pct']}% and {c['low_pct']}% absence are about {rounded(days)} days apart. Here that goes with"
            f" {figure(link, 2)} standard deviations, {pupils(link.n)}."
        )
        if -link.value > days * max(found.sd_per_day_high for found in days_estimates()):
            words.append(
                "Studies of absence that came about by something like chance find less for as many days: part of this"
                " school's link may be who is absent, rather than the days."
            )
    return Section("Beside published figures", tuple(words), (), tuple(tables))


def _days_range(low: float, high: float, days: float) -> str:
    ends = [plain(-each * days, 2) for each in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _link(answer: Answer, model: str) -> Row | None:
    return answer.row("link", scope="school", model=model)


def _value(row: Row) -> str:
    return row.group.partition("=")[2]


def _percent(row: Row) -> str:
    assert row.value is not None
    return f"{rounded(row.value, 1)}%"

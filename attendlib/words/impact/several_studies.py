"""Several studies put together, in words: the mean, where one more would lie, and what every study found."""

from dataclasses import replace

from attendlib.records.answer import Answer, Row, Story, Table
from attendlib.words.impact.manner import Manner
from attendlib.words.impact.pooled import Told, choices, forest, spread
from attendlib.words.numbers import count, interval, interval_words, no_size, places_for, plain, pupils

MAIN = "pooled_main"
STUDIES = Told("study", "studies", "in each study")
MODELS = {
    MAIN: "Main: studies' main differences put together",
    "pooled_check": "Check: their checks put together (main where a study has none)",
}


def _first(answer: Answer) -> str:
    row, c = answer.row("days_fewer", model=MAIN), answer.context
    assert row is not None
    assert row.value is not None
    way = "fewer" if row.value >= 0 else "more"
    days = "about as many days" if no_size(row) else f"{plain(abs(row.value), places_for(row))} days {way}"
    than = "as" if no_size(row) else "than"
    return (
        f"In {c['studies']} studies together, those meant for {c['intervention']} missed {days} a year {than} those"
        f" they were compared with (95% interval {interval_words(row, 'more', 'fewer')}; {pupils(row.n)})."
    )


def _more(answer: Answer) -> tuple[str, ...]:
    c = answer.context
    without = c["studies_without"]
    left = "" if without == "0" else f"; {without} more published none for all schools, or of too few pupils"
    every = f"Every study with a figure is in the mean, whatever it found: {c['studies']} studies{left}."
    if "studies_frozen" in c:
        every = (
            f"In the mean are {c['studies']} studies{left}. The frozen plan did not name the same"
            f" ({c['studies_frozen']} when frozen): what changed is told among the checks."
        )
    row = answer.row("new_study")
    if row is None or row.value is None:
        return (every,)
    reach = interval_words(row, "more", "fewer")
    return (every, f"In one more study like these it would lie in the range {reach} {row.unit}.")


def _details(answer: Answer) -> Story:
    charts = forest(answer, STUDIES, answer.row("days_fewer", model=MAIN))
    ways = replace(choices(answer, STUDIES), source="")  # from published figures, not from this study's records
    return Story("", spread(answer, STUDIES), charts=charts, tables=(_studies(answer), ways))


def _studies(answer: Answer) -> Table:
    cells = tuple(_study(answer, row) for row in answer.select("study_difference"))
    columns = ("Study", "Fewer days a year", "95% interval", "Pupils", "Its verdict", "Outcome")
    note = "x, c: no figure for all schools, or of too few pupils; such a study is not in the mean."
    hidden = any(row.withheld for row in answer.select("study_difference"))
    caption = "What each study found, as it was published"
    return Table(caption, columns, cells, ("Fewer days a year", "95% interval", "Pupils"), note if hidden else "")


def _study(answer: Answer, row: Row) -> tuple[str, ...]:
    name = STUDIES.label(answer, row)
    if row.value is None:
        return (name, row.withheld, row.withheld, row.withheld, "–", "–")
    places = places_for(row)
    verdict = answer.context.get(f"verdict_{name}", "")
    return (name, plain(row.value, places), interval(row), count(row.n), verdict, row.period)


MANNER = Manner(
    main=MAIN,
    models=MODELS,
    first=_first,
    more=_more,
    caveats=(
        "Each study stands as it was published. What misled one still does in the mean, and the same thing may have"
        " misled all.",
        "Studies that found something may be likelier to be sent in: ask every school that began for its figures.",
        "Nobody can see from published figures whether the same pupils are in two studies; they must not be.",
    ),
    method=(
        "Read from each study's own table of results: the main difference in days a year on its page of all schools,"
        " its standard error, its check and its verdict. No pupil's record changes hands.",
        "The studies' differences are put together by a random-effects meta-analysis: each counts by how sure it is and"
        " by how far studies truly differ (REML); the interval is Knapp and Hartung's, on one less than the number of"
        " studies, its error never below the plain one: few studies can agree by chance. The verdict is never stronger"
        " than for the weakest design: without lots drawn, no clear benefit, and none at all where a study failed a"
        " check of its own or rests on too few degrees of freedom.",
    ),
    details=_details,
)

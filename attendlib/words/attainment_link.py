"""attainment_link in words: a gradient by absence band and one contrast, an association and no more."""

from collections.abc import Mapping

from attendlib.records.answer import Answer, Chart, Row, Story, Table
from attendlib.words.charts import Dot, dots
from attendlib.words.numbers import days_of, figure, interval_words, listed, places_for, plain, pupils
from attendlib.words.tables import Line, estimates_table

CAVEATS = (
    "This is a link, not its reason: illness, special needs and what happens at home can lie behind both absence and"
    " results.",
    "A difference between pupils says nothing sure about what would change for one pupil who came more often.",
)
MODEL_WORDS = {"raw": "Not adjusted", "adjusted": "Adjusted"}


def tell(answer: Answer) -> Story:
    """The story of a done answer."""
    link = _best_link(answer)
    return Story(
        title=_title(answer, link),
        sentences=_sentences(answer, link),
        badge=answer.verdict,
        charts=(_gradient(answer),),
        tables=(_bands(answer), *_links(answer)),
        caveats=_caveats(answer),
        next_steps=_next_steps(answer),
    )


def _best_link(answer: Answer) -> Row | None:
    links = answer.select("link", scope="school")
    return links[-1] if links else None


def _title(answer: Answer, link: Row | None) -> str:
    c = answer.context
    if link is None or link.value is None or answer.verdict == "Too few pupils to tell":
        return f"{answer.verdict} how {c['outcome']} differs with attendance"
    if answer.verdict == "No clear link":
        return f"No clear link between attendance and {c['outcome']}"
    lower = "lower" if link.value < 0 else "higher"
    return f"Pupils who missed more had {lower} {c['outcome']}"


def _sentences(answer: Answer, link: Row | None) -> tuple[str, ...]:
    c = answer.context
    if link is None or link.value is None:
        reason = "; ".join(answer.reasons) or "the figures are withheld"
        return (f"{answer.verdict}: {reason}.", _who(answer))
    high, low = (days_of(float(c[end]), int(c["year_days"])) for end in ("high_pct", "low_pct"))
    first = (
        f"In {c['school_name']}, pupils with {c['high_pct']}% absence ({high}) had"
        f" {_difference(link, c)} than pupils with {c['low_pct']}% ({low})"
        f"{_alike(link, c)}: 95% interval {_limits(link, c)}, {pupils(link.n)}."
    )
    verdict = f"{answer.verdict}{': ' + '; '.join(answer.reasons) if answer.reasons else ''}. This school only."
    return (first, verdict, _who(answer), *_raw_sentence(answer, link), *_trust_sentence(answer))


def _difference(link: Row, c: Mapping[str, str]) -> str:
    assert link.value is not None
    size = plain(abs(link.value), places_for(link))
    lower = "lower" if link.value < 0 else "higher"
    if c["unit"] == "in every 100 pupils":
        return f"{c['outcome']} {size} in every 100 {'less' if link.value < 0 else 'more'} often"
    return f"{c['outcome']} {size} {c['unit']} {lower}"


def _limits(link: Row, c: Mapping[str, str]) -> str:
    if c["unit"] == "in every 100 pupils":
        return interval_words(link, "less often", "more often")
    return interval_words(link, "lower", "higher")


def _alike(link: Row, c: Mapping[str, str]) -> str:
    return f" who were alike on {listed(c['alike'].split('; '))}" if link.model == "adjusted" else ", nothing adjusted"


def _who(answer: Answer) -> str:
    c = answer.context
    year_groups = f"{c['year_groups']}, " if c.get("year_groups") else ""
    return f"{year_groups}{c['academic_year']}{', ' + c['half_terms'] if c.get('half_terms') else ''}."


def _raw_sentence(answer: Answer, link: Row) -> tuple[str, ...]:
    raw = answer.row("link", scope="school", model="raw")
    if link.model == "raw" or raw is None or raw.value is None:
        return ()
    return (f"Before adjusting, the difference was {figure(raw)} {answer.context['unit']}.",)


def _trust_sentence(answer: Answer) -> tuple[str, ...]:
    trust = answer.select("link", scope="all")
    if not trust or trust[-1].value is None:
        return (f"All schools together: {answer.context['no_trust']}.",) if "no_trust" in answer.context else ()
    found = trust[-1]
    return (
        f"All {found.n_groups} schools together, comparing pupils within each: {figure(found)}"
        f" {answer.context['unit']}, {pupils(found.n)}.",
    )


def _gradient(answer: Answer) -> Chart:
    rows = [row for row in answer.select("result_by_band", scope="school") if row.group]
    c = answer.context
    shown = [f"{_band(row)} {figure(row)}, {pupils(row.n)}" for row in rows if row.value is not None]
    unit = "percent reaching it" if rows and rows[0].unit == "percent" else c["unit"]
    title = f"{c['outcome']} by absence, {c['school_name']}, {c['academic_year']}"
    alt = f"{c['outcome']} ({unit}) by absence band, dot and 95% interval. {'; '.join(shown) or 'All withheld'}."
    return dots(title, alt, [Dot(f"{_band(row)} absent", row) for row in rows], f"{c['outcome']}, {unit}")


def _band(row: Row) -> str:
    low, _, high = row.group.partition("=")[2].partition("-")
    return f"{low}% or more" if high == "100" and low != "0" else f"{low}% to under {high}%" if high != "100" else "all"


def _bands(answer: Answer) -> Table:
    rows = [row for row in answer.select("result_by_band", scope="school") if row.group]
    total = answer.row("result_by_band", scope="school", group="")
    lines = [Line(_band(row), row) for row in rows] + ([Line("All pupils", total)] if total else [])
    c = answer.context
    what = f"{c['outcome']}, mean" if rows and rows[0].unit != "percent" else f"{c['outcome']}, percent"
    caption = f"{c['outcome']} by absence band, {c['academic_year']}: not adjusted, 95% intervals"
    return estimates_table(caption, "Absence", what, lines, "Neighbouring bands are joined where pupils are few.")


def _links(answer: Answer) -> tuple[Table, ...]:
    rows = [*answer.select("link"), *answer.select("link_sd")]
    if not rows:
        return ()
    c = answer.context
    lines = [Line(_link_label(row, c["unit"]), row) for row in rows]
    caption = f"{c['high_pct']}% against {c['low_pct']}% absence: the difference in {c['outcome']}"
    note = f"Adjusted for {listed(c['alike'].split('; '))}." if c["alike"] else "Nothing was adjusted for."
    return (estimates_table(caption, "Comparison", "Difference", lines, note),)


def _link_label(row: Row, unit: str) -> str:
    who = "this school" if row.scope == "school" else "all schools, within each"
    return f"{MODEL_WORDS[row.model]}, {who}, {unit if row.estimate == 'link' else 'standard deviations'}"


def _caveats(answer: Answer) -> tuple[str, ...]:
    none = "No prior attainment is taken into account: pupils who already did worse may also miss more."
    return CAVEATS if answer.context["prior"] else (*CAVEATS, none)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if answer.verdict == "Too few pupils to tell":
        return ("Put several years or schools together before drawing on this.",)
    return ("Look at who is in the bands with most absence, and ask what stands in their way.",)

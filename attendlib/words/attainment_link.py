"""attainment_link in words: a gradient by absence band and one contrast, an association and no more."""

from collections.abc import Mapping

from attendlib.records.answer import Answer, Row, Story, Table
from attendlib.words.link.bands import gradient_chart, level_table
from attendlib.words.link.sections import sections
from attendlib.words.numbers import days_of, figure, interval_words, listed, no_size, places_for, plain, pupils, than
from attendlib.words.tables import Line, estimates_table

CAVEATS = (
    "This is a link, not its reason: illness, special needs and what happens at home can lie behind both absence and"
    " results.",
    "A difference between pupils says nothing sure about what would change for one pupil who came more often.",
)
NO_PRIOR = (
    "No earlier result is held alike: pupils who already did worse may also miss more, so part of the difference may"
    " have been there before the year began. Where earlier results are known, holding them alike most often makes it"
    " smaller."
)
MODEL_WORDS = {
    "raw": "Not adjusted",
    "adjusted": "Adjusted",
    "no_prior": "Adjusted, earlier results left out",
    "logistic": "Adjusted, by a logistic model",
}


def tell(answer: Answer) -> Story:
    """The story of a done answer."""
    link = _best_link(answer)
    return Story(
        title=_title(answer, link),
        sentences=_sentences(answer, link),
        badge=answer.verdict,
        charts=(gradient_chart(answer),),
        tables=(*level_table(answer), *_links(answer)),
        caveats=_caveats(answer),
        next_steps=_next_steps(answer),
        sections=sections(answer),
    )


def _best_link(answer: Answer) -> Row | None:
    adjusted = answer.row("link", scope="school", model="adjusted")
    return adjusted or answer.row("link", scope="school", model="raw")


def _title(answer: Answer, link: Row | None) -> str:
    c = answer.context
    if link is None or link.value is None or answer.verdict == "Too few pupils to tell":
        return f"{answer.verdict} how {c['outcome']} differs with attendance"
    if answer.verdict == "No clear link":
        return f"No clear link between attendance and {c['outcome']}"
    if c["unit"] == "in every 100 pupils":
        return f"Pupils who missed more reached {c['outcome']} {'less' if link.value < 0 else 'more'} often"
    lower = "lower" if link.value < 0 else "higher"
    return f"Pupils who missed more had {lower} {c['outcome']}"


def _sentences(answer: Answer, link: Row | None) -> tuple[str, ...]:
    c = answer.context
    if link is None or link.value is None:
        reason = "; ".join(answer.reasons) or "the figures are withheld"
        return (f"{answer.verdict}: {reason}.", _who(answer))
    high, low = (days_of(float(c[end]), int(c["year_days"])) for end in ("high_pct", "low_pct"))
    others = "pupils alike" if link.model == "adjusted" else "pupils"
    first = (
        f"In {c['school_name']}, pupils with {c['high_pct']}% absence ({high})"
        f" {_difference(link, c)} {than(link)} {others} with {c['low_pct']}% ({low}):"
        f" 95% interval {_limits(link, c)}, {pupils(link.n)}."
    )
    reasons = f"{answer.verdict}: {'; '.join(answer.reasons)}. " if answer.reasons else ""
    who = f"{reasons}This school only: {_who(answer)}"
    return (first, _alike(link, c), who, *_raw_sentence(answer, link), *_trust_sentence(answer))


def _difference(link: Row, c: Mapping[str, str]) -> str:
    assert link.value is not None
    size = plain(abs(link.value), places_for(link))
    lower = "lower" if link.value < 0 else "higher"
    if c["unit"] == "in every 100 pupils":
        often = f"{size} in every 100 {'less' if link.value < 0 else 'more'} often"
        return f"had {c['outcome']} {'about as often' if no_size(link) else often}"
    apart = "about as high" if no_size(link) else f"{size} {c['unit']} {lower}"
    return f"scored {apart} in {c['outcome']}"


def _limits(link: Row, c: Mapping[str, str]) -> str:
    if c["unit"] == "in every 100 pupils":
        return interval_words(link, "less often", "more often")
    return interval_words(link, "lower", "higher")


def _alike(link: Row, c: Mapping[str, str]) -> str:
    if link.model != "adjusted":
        return "Nothing is held alike: these are all pupils as they are."
    return f"Alike means the same {listed(c['alike'].split('; '))}."


def _who(answer: Answer) -> str:
    c = answer.context
    year_groups = f"{c['year_groups']}, " if c.get("year_groups") else ""
    return f"{year_groups}{c['academic_year']}{', ' + c['half_terms'] if c.get('half_terms') else ''}."


def _raw_sentence(answer: Answer, link: Row) -> tuple[str, ...]:
    raw = answer.row("link", scope="school", model="raw")
    if link.model == "raw" or raw is None or raw.value is None:
        return ()
    c = answer.context
    return (f"Before adjusting, they {_difference(raw, c)} (95% interval {_limits(raw, c)}).",)


def _trust_sentence(answer: Answer) -> tuple[str, ...]:
    found = answer.row("link", scope="all", model="adjusted") or answer.row("link", scope="all", model="raw")
    if found is None or found.value is None:
        return (f"All schools together: {answer.context['no_trust']}.",) if "no_trust" in answer.context else ()
    return (
        f"All {found.n_groups} schools together, comparing pupils within each: {figure(found)}"
        f" {answer.context['unit']}, {pupils(found.n)}.",
    )


def _links(answer: Answer) -> tuple[Table, ...]:
    rows = [row for row in answer.select("link") if row.model in MODEL_WORDS]
    best = _best_link(answer)
    if best is not None:
        rows += answer.select("link_sd", scope="school", model=best.model)
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
    c = answer.context
    if c["prior"]:
        return CAVEATS
    unused = f" Too few pupils have a result of {c['prior_unused']} for it to be used." if c["prior_unused"] else ""
    return (*CAVEATS, NO_PRIOR + unused)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if answer.verdict == "Too few pupils to tell":
        return ("Put several years or schools together before drawing on this.",)
    return ("Look at who is in the bands with most absence, and ask what stands in their way.",)

"""What was expected, and from whom, in words."""

from attendlib.facts.years import year_group_name
from attendlib.records.answer import Answer
from attendlib.words.numbers import count, rise


def expected_from(answer: Answer) -> str:
    """'from pupils alike on earlier absence who stayed in their school' and so on."""
    c = answer.context
    alike = f"earlier absence and {c['by']}" if c["by"] else "earlier absence"
    who = "who stayed in their school" if c["reference"] == "stayers" else "who moved up to the other schools"
    return f"from pupils alike on {alike} {who}"


def reference_words(answer: Answer) -> tuple[str, ...]:
    """Who the reference pupils are, how many, and how their own absence changed; or why there are none."""
    c = answer.context
    found = answer.row("reference_change")
    if not c["reference"]:
        return (f"Nothing is expected here: {c['no_reference']}. What follows is the change alone.",)
    if found is None:
        return ()
    before, after = int(c["before_year_group"]), int(c["after_year_group"])
    if c["reference"] == "stayers":
        step = after - before
        who = f"went from {year_group_name(before - step)} to {year_group_name(before)} in one and the same school"
    else:
        who = f"went from {c['before']} to {c['after']} at the other schools"
    schools = f"{found.n_groups} school{'' if found.n_groups == 1 else 's'}"
    return (
        f"Expected from {count(found.n)} pupils of {schools} who {who} over the same two years and half-terms; their"
        f" absence {rise(found, 'points')}.",
    )

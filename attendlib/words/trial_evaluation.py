"""trial_evaluation in words: what lots drawn between arms found, for those who check every number."""

from collections.abc import Mapping

from attendlib.facts.labels import group_label, measure_label
from attendlib.facts.trials import UNCHECKED
from attendlib.records.answer import Answer, Chart, Row, Section, Step, Story, Table
from attendlib.words.charts import Dot, balance, dots, flow
from attendlib.words.numbers import count, figure, interval_words, places_for, plain, pupils, signed
from attendlib.words.tables import Line, checks_table, estimates_table
from attendlib.words.trial_missing import missing_section
from attendlib.words.trial_secondary import secondary_section
from attendlib.words.trial_tables import (
    arm_name,
    characteristic,
    counted,
    levels_table,
    padlock_table,
    sizes_table,
    table_of,
)

ABSENCE = "absence"
APART = 0.05  # standard deviations of a baseline, from which What Works asks for adjustment
CHECKS = {"cluster": "least squares, CR2", "multi_site": "a random intercept a school", "pupil": ""}  # by design
CAVEATS = (
    "Everyone counts in the arm they were drawn into, whatever they took part in: this is the difference made by being"
    " offered it, not by taking it up.",
    "Pupils without an outcome are left out of the main estimate; the flow says how many, and in which arm.",
    "Ratings of trials are the EEF's to give: what stands here is indicative, and says so.",
)


def tell(answer: Answer) -> Story:
    """The story of a done answer: one sentence and verdict an arm, the differences, who was lost; the rest folded."""
    arms = answer.context["arms"].split(",")
    return Story(
        title=_title(answer, arms),
        sentences=tuple(sentence for arm in arms for sentence in _sentences(answer, arm)),
        badge=answer.verdict,
        charts=(_differences(answer, arms), _flow(answer, arms)),
        tables=(_estimates(answer, arms),),
        caveats=CAVEATS,
        next_steps=_next_steps(answer),
        sections=_sections(answer, arms),
    )


def _title(answer: Answer, arms: list[str]) -> str:
    outcome = "Attendance" if answer.context["outcome"] == ABSENCE else measure_label(answer.context["outcome"])
    return f"{outcome} in {' and '.join(arm_name(arm) for arm in arms)}, beside {arm_name(answer.context['control'])}"


def _sentences(answer: Answer, arm: str) -> list[str]:
    group = f"arm={arm}"
    if answer.context["outcome"] == ABSENCE:
        row = answer.row("days_fewer", group=group, model="adjusted")
        if row is None or row.value is None:
            return [f"{arm_name(arm)}: no difference can be given."]
        word = "fewer" if row.value >= 0 else "more"
        found = f"{plain(abs(row.value), places_for(row))} days a year {word}"
        first = f"Pupils drawn into {arm_name(arm)} missed {found} than those drawn into {_control(answer)}"
        sentences = [f"{first} (95% interval {interval_words(row, 'more', 'fewer')}; {_counted(answer, row)})."]
    else:
        row = answer.row("itt", group=group, model="adjusted")
        if row is None or row.value is None:
            return [f"{arm_name(arm)}: no difference can be given."]
        word = "higher" if row.value >= 0 else "lower"
        outcome = measure_label(answer.context["outcome"])
        first = (
            f"Pupils drawn into {arm_name(arm)} had {outcome} {plain(abs(row.value), places_for(row))} points {word}"
        )
        told = f"95% interval {interval_words(row, 'lower', 'higher')}; {_counted(answer, row)}"
        sentences = [f"{first} than those drawn into {_control(answer)} ({told})."]
    return [*sentences, *_effect(answer, group), *_verdict(answer, group)]


def _counted(answer: Answer, row: Row) -> str:
    """'10,811 pupils, 19,489 years of them' where an outcome has several years."""
    several = " to " in answer.context["period"] and row.n_groups and answer.context["design"] != "cluster"
    return f"{pupils(row.n_groups)}, {count(row.n)} years of them" if several else pupils(row.n)


def _control(answer: Answer) -> str:
    return arm_name(answer.context["control"])


def _effect(answer: Answer, group: str) -> list[str]:
    g = _eef(answer, group)
    if g is None or g.value is None or g.low is None or g.high is None:
        return []
    text = (
        f"As an effect size that is {signed(g.value, 2)} standard deviations ({plain(g.low, 2)} to {plain(g.high, 2)})"
    )
    months = answer.row("months", group=group)
    if months is not None and months.value is not None and months.low is not None and months.high is not None:
        middle, low, high = (signed(value, 0) for value in (months.value, months.low, months.high))
        unchecked = f"; {UNCHECKED}" if UNCHECKED in months.method else ""
        text += f", {middle} months of progress ({low} to {high}{unchecked})"
    return [f"{text}."]


def _eef(answer: Answer, group: str) -> Row | None:
    return next((row for row in answer.select("hedges_g", group=group) if "EEF" in row.method), None)


def _verdict(answer: Answer, group: str) -> list[str]:
    row = answer.row("verdict", group=group)
    if row is None or not row.method:
        return []
    days = answer.context["delta_days"]
    worthwhile = f"{days} {'day' if days == '1' else 'days'} a year, the smallest difference worth having"
    return [f"Against {worthwhile}: {row.method[0].lower()}{row.method[1:]}."]


def _differences(answer: Answer, arms: list[str]) -> Chart:
    days = answer.context["outcome"] == ABSENCE
    name, unit = ("days_fewer", "days a year fewer missed") if days else ("itt", "points higher")
    models = {"adjusted": "main", "raw": "not adjusted", "check": "check", "bootstrap": "bootstrap",
              "imputed": "missing filled in"}  # fmt: skip
    items = [
        Dot(f"{arm_name(arm)}, {said}", row)
        for arm in arms
        for model, said in models.items()
        if (row := answer.row(name, group=f"arm={arm}", model=model))
    ]
    found = "; ".join(f"{item.label}: {figure(item.row)}" for item in items)
    title = f"Beside {_control(answer)}: {'; '.join(_found(answer, arm, name, unit) for arm in arms)}"
    return dots(title, f"{unit.capitalize()}, dot and 95% interval. {found}.", items, unit, zero_line=True)


def _found(answer: Answer, arm: str, name: str, unit: str) -> str:
    """'small 0.2 days a year fewer missed', the main estimate alone."""
    row = answer.row(name, group=f"arm={arm}", model="adjusted")
    if row is None or row.value is None:
        return f"{arm_name(arm)} cannot be told"
    other = {"days a year fewer missed": "days a year more missed", "points higher": "points lower"}
    return f"{arm_name(arm)} {plain(abs(row.value), places_for(row))} {unit if row.value >= 0 else other[unit]}"


def _flow(answer: Answer, arms: list[str]) -> Chart:
    steps = {arm_name(arm): _arm_steps(answer, arm) for arm in (*arms, answer.context["control"])}
    said = "; ".join(
        f"{arm}: {', '.join(f'{step.reason} {count(step.left)}' for step in found)}" for arm, found in steps.items()
    )
    return flow(_flow_title(answer), f"Pupils still in after each step. {said}.", answer.steps[:1], steps)


def _flow_title(answer: Answer) -> str:
    first, last = answer.steps[0].left, answer.steps[-1].left
    return f"{count(last)} of {count(first)} randomised pupils analysed" if last and first else "Who was analysed"


def _arm_steps(answer: Answer, arm: str) -> tuple[Step, ...]:
    lost = {row.model: row for row in answer.select("flow_lost", group=f"arm={arm}")}
    return tuple(
        Step(row.model, (lost[row.model].n if row.model in lost else 0), row.n)
        for row in answer.select("flow", group=f"arm={arm}")
    )


def _estimates(answer: Answer, arms: list[str]) -> Table:
    days = answer.context["outcome"] == ABSENCE
    names = {"days_fewer": "Days a year fewer missed", "itt": "Percentage points attended" if days else "Points",
             "rate_ratio": "Rate of sessions missed (ratio)", "persistent_difference": "Persistently absent (points)",
             "cace": "Among those moved to take part", "interaction": "Difference between groups"}  # fmt: skip
    models = {"adjusted": "main", "raw": "not adjusted", "check": f"check: {CHECKS[answer.context['design']]}",
              "bootstrap": "bootstrap", "imputed": "missing filled in"}  # fmt: skip
    lines = [
        Line(f"{arm_name(arm)}: {said}, {models.get(row.model, row.model)}", row)
        for arm in arms
        for name, said in list(names.items())[:4]
        for row in answer.select(name, group=f"arm={arm}")
    ]
    return estimates_table(f"Differences from {_control(answer)}, {answer.context['period']}, 95% intervals",
                           "Arm and estimate", "Difference", lines, _how(answer, models), counted(answer))  # fmt: skip


def _how(answer: Answer, models: Mapping[str, str]) -> str:
    """'Main: random intercept, REML, Satterthwaite. …': each model's method, where all arms have the same once."""
    said = [
        f"{models[model].partition(':')[0]}: {'; or '.join(methods)}."
        for model in models
        if (methods := dict.fromkeys(row.method for row in answer.select("itt", model=model) if ";" not in row.group))
    ]
    years = ["A pupil counts once for each year with an outcome."] if " to " in answer.context["period"] else []
    return " ".join(text[:1].upper() + text[1:] for text in [*said, *years])


def _sections(answer: Answer, arms: list[str]) -> tuple[Section, ...]:
    groups = [row for row in answer.select("itt", model="adjusted") if ";" in row.group]
    inter = answer.select("interaction")
    subgroup = [
        *(Line(f"{_words(row.group)}: difference", row) for row in groups),
        *(Line(f"{_words(row.group)}: more than in {_reference(row)}", row) for row in inter),
    ]
    cace = [Line(f"{_words(row.group)}: {row.model}", row) for row in answer.select("cace")]
    rated = Section(
        "Ratings, indicative", ("Threats that reviewers judge have a dash.",), tables=(padlock_table(answer),)
    )
    found = table_of(
        answer, ("mdes", "icc", "permutation_p"), "Detectable effects, intraclass correlations, permutation p"
    )
    alike = table_of(answer, ("baseline_g",), "Baseline differences in standard deviations")
    sections = [
        Section("Effect sizes, detectable effects and intraclass correlations", tables=(sizes_table(answer), found)),
        Section("How alike the arms were", charts=_balance(answer, arms), tables=(alike,)),
        Section("Means and shares by arm", tables=(levels_table(answer),)),
        missing_section(answer, arms),
        rated,
    ]
    if subgroup:
        table = estimates_table(
            "Pre-named subgroups, 95% intervals", "Subgroup", "Difference", subgroup, counted=counted(answer)
        )
        sections.insert(1, Section("Subgroups named before outcomes were read", tables=(table,)))
    if answer.select("secondary"):
        sections.insert(1, secondary_section(answer))
    if cace:
        note = "Two-stage least squares, the allocation as instrument. Exclusion is assumed, not shown."
        sections.insert(
            1,
            Section(
                "Those who took part",
                tables=(estimates_table("Complier average difference", "Arm", "Difference", cace, note),),
            ),
        )
    if answer.checks:
        sections.append(
            Section(
                "Was the allocation drawn as it should have been, and the plan kept to?",
                tables=(checks_table(answer.checks),),
            )
        )
    return tuple(sections)


def _words(group: str) -> str:
    parts = dict(part.split("=", 1) for part in group.split(";"))
    arm = parts.pop("arm", "")
    rest = ";".join(f"{name}={value}" for name, value in parts.items())
    return f"{arm_name(arm)}, {group_label(rest)}" if rest else arm_name(arm)


def _reference(row: Row) -> str:
    """The subgroup that an interaction is against."""
    return group_label(row.method.rpartition(" against ")[2])


def _balance(answer: Answer, arms: list[str]) -> tuple[Chart, ...]:
    pairs: dict[str, tuple[float, float | None]] = {}
    for row in answer.select("baseline_g", model="analysed"):
        first = answer.row("baseline_g", outcome=row.outcome, group=row.group, model="randomised")
        if row.value is not None:
            drawn = None if first is None else first.value
            pairs[f"{_words(row.group)}: {characteristic(row.outcome)}"] = (row.value, drawn)
    if not pairs:
        return ()
    said = "; ".join(
        f"{name} {signed(one, 2)}" + ("" if two is None else f", as randomised {signed(two, 2)}")
        for name, (one, two) in pairs.items()
    )
    alt = f"Standard deviations as analysed, 0 is alike, lines at 0.05 and 0.25. {said}."
    apart = sum(abs(one) > APART for one, _ in pairs.values())
    title = f"Before the outcome {apart} of {len(pairs)} things lay over 0.05 of a standard deviation apart"
    return (balance(title, alt, pairs, ("as analysed", "as randomised")),)


def _next_steps(answer: Answer) -> tuple[str, ...]:
    if any(check.passed is False for check in answer.checks):
        return ("Ask whoever drew the lots for the program and its log before using this estimate.",)
    return ("Set this estimate beside earlier trials, and give its interval wherever the number goes.",)

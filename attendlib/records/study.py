"""The study file as typed models: an unknown key, a wrong type or a value out of range is refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from attendlib.facts.years import is_academic_year

ALL = "all"  # the scope of a page about every school of the study


def _academic_year(text: str) -> str:
    if not is_academic_year(text):
        raise ValueError('must be written as "2024/25"')
    return text


AcademicYear = Annotated[str, AfterValidator(_academic_year)]
YearGroup = Annotated[int, Field(ge=0, le=13)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Urn = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error. Lists and texts are never made from numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Span(Strict):
    """Dates from and to, both in it."""

    from_date: Annotated[date, Field(alias="from", strict=False)]
    to_date: Annotated[date, Field(alias="to", strict=False)]

    @model_validator(mode="after")
    def _in_order(self) -> "Span":
        if self.to_date < self.from_date:
            raise ValueError("`to` is before `from`")
        return self


class Exclusion(Strict):
    """A day, or days from and to, that the study leaves out, and why."""

    reason: str
    day: Annotated[date | None, Field(alias="date", strict=False)] = None
    from_date: Annotated[date | None, Field(alias="from", strict=False)] = None
    to_date: Annotated[date | None, Field(alias="to", strict=False)] = None

    @model_validator(mode="after")
    def _one_form(self) -> "Exclusion":
        if (self.day is None) == (self.from_date is None) or (self.from_date is None) != (self.to_date is None):
            raise ValueError("give either `date`, or `from` and `to`")
        if self.from_date and self.to_date and self.to_date < self.from_date:
            raise ValueError("`to` is before `from`")
        return self

    def span(self) -> tuple[date, date]:
        """First and last day left out."""
        first, last = self.day or self.from_date, self.day or self.to_date
        assert first is not None
        assert last is not None
        return first, last


class Threshold(Strict):
    """A result counted as reached when `measure` is `at_least` this."""

    measure: str
    at_least: float = Field(strict=False)


class Eligible(Strict):
    """The rule by which pupils were chosen: absence of at least this percent over the window's dates."""

    absence_pct_at_least: float = Field(gt=0, lt=100, strict=False)
    window: Span


class Claim(Strict):
    """Something said of an intervention, such as "28 of 63" or "82% improved", and the dates it is about."""

    says: str = Field(min_length=1)
    period: Span | None = None


class AttainmentLink(Strict):
    """Parameters of `attainment_link`. Pages: each school."""

    outcome: str | Threshold
    prior: str | None = None
    adjust_for: list[str] = []
    contrast_pct: Annotated[list[float], Field(min_length=2, max_length=2)] = [10, 2]
    academic_year: AcademicYear | None = None
    year_group: YearGroup | None = None


class TransitionDip(Strict):
    """Parameters of `transition_dip`. Pages: each school that receives pupils in `after_year_group`."""

    before_year_group: YearGroup
    after_year_group: YearGroup
    by: str | None = None
    min_sessions: int = Field(default=20, ge=1)
    academic_year: AcademicYear | None = None
    reference_step: Literal["stayers", "other_schools"] | None = None


Design = Literal[
    "adjusted", "half_terms", "staggered", "cutoff", "series", "synthetic_control", "meta_analysis", "several_studies"
]
Comparison = Literal[
    "same_school", "other_schools", "earlier_cohort", "not_yet_treated", "never_treated", "national", "none"
]
COMPARISONS: dict[str, tuple[str, ...]] = {  # what each design can be compared with, the first unless said
    "adjusted": ("same_school", "other_schools", "earlier_cohort"),
    "half_terms": ("same_school", "other_schools"),
    "staggered": ("not_yet_treated", "never_treated"),
    "cutoff": (),
    "series": ("other_schools", "same_school", "national", "none"),
    "synthetic_control": ("other_schools",),
    "meta_analysis": ("same_school",),
    "several_studies": (),
}


def design_module(design: str) -> str:
    """The module that answers by this design, in a function of its name."""
    return f"attendlib.questions.impact.designs.{'adjusted' if design == 'half_terms' else design}"


OF_THIS_STUDY = tuple(design for design in COMPARISONS if design != "several_studies")  # from this study's own data
ONLY_FOR: dict[str, tuple[str, ...]] = {  # keys that other designs would not read, and so refuse
    "weights": ("adjusted", "half_terms"),
    "eligible": ("adjusted", "half_terms", "meta_analysis"),
    "placebo_dates": ("half_terms", "staggered", "series", "synthetic_control"),
    "cutoff": ("cutoff",),
    "donors": ("synthetic_control",),
    "baseline": OF_THIS_STUDY,
    "outcome": OF_THIS_STUDY,
    "period": ("staggered", "series", "synthetic_control"),
}


class InterventionImpact(Strict):
    """Parameters of `intervention_impact`. Pages: each school and all schools."""

    intervention: str
    smallest_worthwhile_days: float = Field(gt=0, le=50, strict=False)
    certainty_pct: int = Field(default=75, ge=70, le=90)
    design: Design = "adjusted"
    comparison: Comparison | None = None
    weights: Literal["none", "entropy", "propensity"] = "none"
    eligible: Eligible | None = None
    baseline: Span | None = None
    outcome: Span | None = None
    cutoff: Eligible | None = None
    donors: list[Urn] = []
    period: Literal["half_term", "week"] = "half_term"
    placebo_dates: list[Annotated[date, Field(strict=False)]] = []
    academic_year: AcademicYear | None = None

    @model_validator(mode="after")
    def _keys_of_the_design(self) -> "InterventionImpact":
        allowed = COMPARISONS[self.design]
        if self.comparison is not None and self.comparison not in allowed:
            known = ", ".join(allowed) or "none of its own: leave the key out"
            raise ValueError(f"`comparison: {self.comparison}` is not one that `design: {self.design}` knows ({known})")
        for key, designs in ONLY_FOR.items():
            default = type(self).model_fields[key].default
            if self.design not in designs and getattr(self, key) != default:
                raise ValueError(f"`design: {self.design}` does not use `{key}`: take it out")
        if self.design == "cutoff" and self.cutoff is None:
            raise ValueError("`design: cutoff` needs `cutoff: {absence_pct_at_least, window}`")
        return self


class Assumed(Strict):
    """What the trial's protocol assumed for its minimum detectable effect size: shares and correlations, 0 to 1."""

    pupils: int = Field(gt=1)
    clusters: int | None = Field(default=None, gt=1)
    icc: float = Field(default=0.0, ge=0, lt=1, strict=False)
    r2_pupil: float = Field(default=0.0, ge=0, lt=1, strict=False)
    r2_cluster: float = Field(default=0.0, ge=0, lt=1, strict=False)


class TrialEvaluation(Strict):
    """Parameters of `trial_evaluation`: a randomised trial as its protocol says. One page, for all schools."""

    trial: str
    design: Literal["pupil", "multi_site", "cluster"]
    control: str
    outcome: str
    baseline: str | None = None
    strata: list[str] = []
    subgroups: list[str] = []
    secondary: list[str] = []
    compliance: str | None = None
    academic_years: list[AcademicYear] = []
    baseline_year: AcademicYear | None = None
    smallest_worthwhile_days: float | None = Field(default=None, gt=0, le=50, strict=False)
    certainty_pct: int = Field(default=75, ge=70, le=90)
    assumed: Assumed | None = None
    cost_per_pupil: float | None = Field(default=None, ge=0, strict=False)
    draws: int = Field(default=1000, ge=100, le=20_000)

    @model_validator(mode="after")
    def _each_outcome_once(self) -> "TrialEvaluation":
        if len({self.outcome, *self.secondary}) < 1 + len(self.secondary):
            raise ValueError("`secondary` names an outcome that is named already")
        return self


class Randomise(Strict):
    """How `attend randomise` draws the next trial: who is on the list, the arms, and the blocks lots are drawn in.

    `shares` says how many of each arm to every lot (equal unless said). `places` instead is the number of places in the
    first of two arms, the second waits.
    """

    trial: Slug
    unit: Literal["pupil", "school"] = "pupil"
    arms: Annotated[list[Urn], Field(min_length=2)]
    shares: list[Annotated[int, Field(ge=1, le=100)]] = []
    places: int | None = Field(default=None, ge=1)
    block: list[str] = []
    year_group: YearGroup | None = None
    eligible: Eligible | None = None
    academic_year: AcademicYear | None = None
    randomised_on: Annotated[date | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _arms_and_shares(self) -> "Randomise":
        if len(set(self.arms)) < len(self.arms):
            raise ValueError("`arms` names an arm twice")
        if self.shares and len(self.shares) != len(self.arms):
            raise ValueError(f"`shares` has {len(self.shares)} numbers for {len(self.arms)} arms")
        if self.places is not None and (len(self.arms) != 2 or self.shares):
            raise ValueError("`places` needs two arms, the one with places first, and no `shares`")
        return self


NOTEBOOKS: dict[str, type[Strict]] = {
    "attainment_link": AttainmentLink,
    "transition_dip": TransitionDip,
    "intervention_impact": InterventionImpact,
    "trial_evaluation": TrialEvaluation,
}
PAGES: dict[str, tuple[str, ...]] = {  # which pages each notebook makes: one for each school, one for all
    "attainment_link": ("school",),
    "transition_dip": ("school",),
    "intervention_impact": ("school", ALL),
    "trial_evaluation": (ALL,),
}


class Study(Strict):
    """One study file. `notebooks` maps a notebook's name (or a path to one) to its parameters, still as written."""

    study: Slug
    title: str
    data: str
    source: Literal["tidy"] = "tidy"
    audience: Literal["internal", "shareable"] = "internal"
    academic_year: AcademicYear
    schools: Literal["all"] | Annotated[list[Urn], Field(min_length=1)] = "all"
    exclude_dates: list[Exclusion] = []
    seed: int = Field(default=0, ge=0)
    store: str | None = None
    key_file: str | None = None
    protocol: str | None = None
    claims: list[Claim] = []
    studies: list[str] = []
    randomise: Randomise | None = None
    notebooks: Annotated[dict[str, dict[str, Any] | None], Field(min_length=1)]

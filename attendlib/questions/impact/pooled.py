"""Several units' own differences put together by random effects: the rows that schools and studies share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from attendlib.questions.common import rescaled
from attendlib.records.answer import Check, Row
from attendlib.stats.fit import Estimate
from attendlib.stats.heterogeneity import Method
from attendlib.stats.pooling import Meta, Pooled, Test, meta_analysis, partial_pool

METHODS: tuple[Method, ...] = ("REML", "DL", "common")
METHOD = "REML, Knapp-Hartung, never below plain"
UNBOUNDED = "REML, Knapp-Hartung"  # the choice beside it: units that agree by chance make its error short
NO_ERROR = 1e-6  # of the main one's: what rounding leaves of an error of 0
FEWEST = 2
FEWEST_FOR_SPREAD = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """What is put together: `name` is school or study; `per` its estimates' unit in the rows' `unit`."""

    name: str
    unit: str
    per: float = 1.0

    @property
    def plural(self) -> str:
        """Schools or studies."""
        return {"study": "studies"}.get(self.name, f"{self.name}s")


def pooled(
    own: Mapping[str, Estimate], method: Method = "REML", leave_out: Collection[str] = (), test: Test = "adhoc"
) -> Meta:
    """The mean of the units' own differences and how far they truly differ, in their unit.

    Its standard error is Knapp and Hartung's, never below the plain one: a few units that agree better than their own
    errors allow agree by chance, and chance must not decide a verdict (Jackson and others 2017).
    """
    each = [one for name, one in own.items() if name not in leave_out]
    return meta_analysis([one.value for one in each], [one.se for one in each], method, test)


def another(own: Mapping[str, Estimate]) -> Pooled | None:
    """Where one more unit's true difference would lie; None under three."""
    each = list(own.values())
    return partial_pool([one.value for one in each], [one.se for one in each]) if len(each) >= 3 else None


def mean_row(meta: Meta, estimate: str, model: str, n: int, unit: str = "percentage points") -> Row:
    """The mean as a row; `n` pupils, `n_groups` the units in it. Under four degrees of freedom there is no p."""
    p = meta.p if isfinite(meta.p) else None
    return Row(
        estimate, "all", model=model, value=meta.value, low=meta.low, high=meta.high, se=meta.se, df=meta.df, p=p,
        confidence_pct=meta.confidence_pct, unit=unit, n=n, n_groups=meta.n, method=METHOD,
    )  # fmt: skip


def spread_rows(own: Mapping[str, Estimate], n: int, of: Unit, model: str) -> list[Row]:
    """Where one more unit's true difference would lie, and how far they truly differ (a standard deviation).

    From three on the first averages over how far they may differ: taken at REML's peak, often nought where units are
    few, it would be as narrow as the mean's own interval. The second has no interval where they agree better than their
    own errors allow.
    """
    meta, new = pooled(own), another(own)
    base = Row(f"new_{of.name}", "all", model=model, unit=of.unit, n=n, n_groups=meta.n, method="averaged over REML")
    value, low, high = (of.per * each**0.5 for each in (meta.between, meta.between_low, meta.between_high))
    spread = replace(base, estimate=f"between_{of.plural}", value=value, method="REML, Q-profile")
    if isfinite(high):
        spread = replace(spread, low=low, high=high, confidence_pct=95.0)
    if new is None:
        return [spread]
    where = replace(base, value=of.per * new.mean, low=of.per * new.new_low, high=of.per * new.new_high)
    return [replace(where, confidence_pct=95.0), spread]


def choice_rows(own: Mapping[str, Estimate], n: int, of: Unit) -> list[Row]:
    """Other ways of putting them together, and the mean without each of them.

    Among them Knapp and Hartung's error as they have it. It is 0, and says nothing, where all agree to the last digit.
    """
    made = [(f"together={method};without=none", pooled(own, method)) for method in METHODS]
    if len(own) > FEWEST:
        made += [(f"together=REML;without={name}", pooled(own, leave_out=(name,))) for name in own]
    rows = [choice_row(meta, group, n, of) for group, meta in made]
    plain = pooled(own, test="knapp-hartung")
    if plain.se > NO_ERROR * pooled(own).se:
        row = choice_row(plain, "together=REML_knapp_hartung;without=none", n, of)
        rows.insert(len(METHODS), replace(row, method=UNBOUNDED))
    return rows


def choice_row(meta: Meta, group: str, n: int, of: Unit) -> Row:
    """One other way of putting them together."""
    return rescaled(replace(mean_row(meta, "choice", "", n), group=group), of.per, "choice", of.unit)


def sound_row(own: Mapping[str, Estimate], failed: Collection[str], n: int, of: Unit) -> list[Row]:
    """The mean of only those units whose own checks all passed, where that leaves several but not all."""
    if not failed or len(own) - len(failed) < FEWEST:
        return []
    return [choice_row(pooled(own, leave_out=failed), "together=REML;without=failed", n, of)]


def kept(failed: Collection[str], many: int, of: Unit) -> Check:
    """Whether every unit passed its own checks: a mean keeps what misled those it is made of."""
    name = f"Every {of.name}'s own checks"
    if not failed:
        return Check(name, True, f"All {many} {of.plural} passed every check of their own.")
    some = f"{len(failed)} of {many} {of.plural} failed a check of their own ({', '.join(failed)})"
    return Check(name, False, f"{some}: putting {of.plural} together does not mend what misled them.")


def agreement(own: Mapping[str, Estimate], of: Unit) -> Check:
    """How far the differences agree, for information: a mean of unlike things is still only their mean."""
    name, meta = f"{of.plural.capitalize()} agree", pooled(own)
    if meta.n < FEWEST_FOR_SPREAD:
        return Check(name, None, f"With {meta.n} {of.plural} nobody can say how far they truly differ.")
    value, low, high = (of.per * each**0.5 for each in (meta.between, meta.between_low, meta.between_high))
    if not isfinite(high):
        text = f"{of.plural.capitalize()} agree better than their own errors allow, so those may be too large"
        return Check(name, None, f"{text}: how far true differences spread has no interval.")
    text = f"True differences spread by about {value:.1f} {of.unit} around their mean ({low:.1f} to {high:.1f})"
    return Check(name, None, f"{text}; {meta.i2_pct:.0f}% of what {of.plural} differ by is more than chance.")

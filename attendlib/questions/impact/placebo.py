"""What a placebo says: nothing, something at the edge of what chance makes, or something that stops a verdict."""

from math import isfinite

from attendlib.records.answer import Check

FAILS_AT = 0.01  # a placebo fails its check at this p: 1 sound study in 100 is held back
DOUBTFUL_AT = 0.05  # between the two the figure's own interval excludes no difference, so it is not called none


def placebo_check(name: str, p: float | None, found: str, none: str, value: str) -> Check:
    """The check of a figure that should be none: `found` where it stands out, `none` where it does not.

    `value` is the figure with its interval. `p` None or not finite is too few groups to stand out.
    """
    if p is None or not isfinite(p) or p >= DOUBTFUL_AT:
        return Check(name, True, f"{none}: {value}.")
    if p >= FAILS_AT:
        odds = f"chance makes one like it in 1 study of {1 / p:.0f}, too little to fail this check"
        return Check(name, True, f"Larger than it should be ({odds}): {value}.")
    return Check(name, False, f"{found}: {value}.")


def placebo_words(value: float, low: float, high: float, unit: str) -> str:
    """'1.8 points more absent (7.8 more to 4.2 fewer)' for −1.8 `points fewer absent`: each figure says which way."""
    less, more = ("fewer", "more") if "fewer" in unit else ("lower", "higher")

    def way(x: float) -> str:
        return less if x >= 0 else more

    limits = [f"{abs(x):.1f} {way(x)}" for x in (low, high)]
    return f"{abs(value):.1f} {unit.replace(less, way(value))} ({limits[0]} to {limits[1]})"

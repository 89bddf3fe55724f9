"""The marks themselves against national figures: counted here from the files, not read from truth.json."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trust import Trust
from trusts import pupil_years, query

from attendlib.intake.synthetic.national import per_thousand, persistent
from attendlib.intake.synthetic.write import Truth, write_trust

Made = tuple[Path, Truth]
MARGINS = (["year_group"], ["fsm"], ["sen"], ["sex"])
POINTS = 3.0


def deviations(folder: Path, margins: tuple[list[str], ...]) -> pd.DataFrame:
    """Persistent absence of 2023/24 (no calls yet) less the national figure, points, and its standard error."""
    rows = pupil_years(folder)
    rows = rows[rows.academic_year == "2023/24"].assign(persistent=lambda d: 10 * d.absent >= d.possible)
    found = []
    for by in margins:
        for key, group in rows.groupby(by):
            asked = {c: "none" if v == "N" else str(v) for c, v in zip(by, key, strict=True)}
            target = persistent(**asked)
            error = 100 * np.sqrt(target / 100 * (1 - target / 100) / len(group))
            found.append((str(asked), 100 * group.persistent.mean() - target, error))
    return pd.DataFrame(found, columns=["group", "points", "error"])


def test_persistent_absence_is_national_within_three_points(large: Made) -> None:
    found = deviations(large[0], MARGINS)
    assert len(found) == 11 + 2 + 3 + 2
    # three points, or three standard errors where the group is too small for that (plans, about 380 pupils)
    too_far = found[found.points.abs() > np.maximum(POINTS, 3 * found.error)]
    assert too_far.empty, too_far


@pytest.mark.prove
def test_100_000_pupils_are_as_the_nation(tmp_path: Path) -> None:
    made = write_trust(tmp_path, schools=228, pupils=100_000)
    found = deviations(tmp_path, (*MARGINS, ["year_group", "fsm"]))
    print(found.assign(gap=found.points.abs()).nlargest(5, "gap"), made.values["icc"], made.values["dip"])  # noqa: T201
    assert len(found) == 11 + 2 + 3 + 2 + 22
    assert found.points.abs().max() < POINTS, found
    assert correlation(tmp_path)[0] == pytest.approx(FFT_CORRELATION, abs=0.03)
    assert icc(tmp_path, "2023/24") == pytest.approx(FFT_ICC, abs=0.01)


def test_the_demo_has_two_million_marks(trust: Trust) -> None:
    assert sum(row["mark_rows"] for row in trust.truth["sessions"]) == pytest.approx(2_000_000, rel=0.05)


FFT_CORRELATION = 0.63  # FFT Education Datalab, Year 6 of 2023/24 with Year 7 of 2024/25
FFT_ICC = (
    0.084  # the same, "8.4% of the variance in absence rates is between schools": 5,200 primaries, 2,600 secondaries
)


def correlation(folder: Path) -> tuple[float, int]:
    """Of a pupil's absence in Year 6 with that in Year 7, and how many pupils."""
    rows = pupil_years(folder)
    rows = rows[rows.possible >= 20].assign(rate=lambda d: d.absent / d.possible)
    one = rows[(rows.year_group == 6) & (rows.academic_year == "2023/24")].set_index("pupil").rate
    two = rows[(rows.year_group == 7) & (rows.academic_year == "2024/25")].set_index("pupil").rate
    both = pd.concat([one, two], axis=1, join="inner")
    return both.corr().iloc[0, 1], len(both)


def icc(folder: Path, academic_year: str) -> float:
    """The share of the variance of pupils' absence rates that lies between schools, by analysis of variance."""
    rows = pupil_years(folder)
    rows = rows[rows.academic_year == academic_year].assign(rate=lambda d: 100 * d.absent / d.possible)
    size, mean = rows.groupby("school").rate.size(), rows.groupby("school").rate.mean()
    within = ((rows.rate - rows.school.map(mean)) ** 2).sum() / (len(rows) - len(size))
    between = (size * (mean - rows.rate.mean()) ** 2).sum() / (len(size) - 1)
    usual = (size.sum() - (size**2).sum() / size.sum()) / (len(size) - 1)
    return (between - within) / (between + (usual - 1) * within)


def test_year_6_and_year_7_absence_correlate_as_published(large: Made) -> None:
    r, n = correlation(large[0])
    assert r == pytest.approx(FFT_CORRELATION, abs=0.06)  # about 1,750 pupils
    assert large[1].values["dip"]["correlation_year_6_to_7"] == {"n": n, "r": pytest.approx(r)}


def test_schools_differ_as_schools_do(large: Made) -> None:
    found = icc(large[0], "2024/25")
    assert found == pytest.approx(FFT_ICC, abs=0.02)
    truth = large[1].values["icc"]["2024/25"]
    assert truth["all_schools"] == pytest.approx(found)
    assert truth["within_phase"] < truth["all_schools"]  # part of the published share is primaries against secondaries


@pytest.mark.parametrize("phase", ["primary", "secondary"])
@pytest.mark.parametrize("academic_year", ["2023/24", "2024/25"])
def test_reasons_have_the_published_mix(large: Made, phase: str, academic_year: str) -> None:
    since = "<" if academic_year == "2023/24" else ">="
    sql = f"""SELECT code, count(*) AS n FROM {{marks}} JOIN {{schools}} USING (school)
              WHERE phase = '{phase}' AND date {since} '2024-08-01' GROUP BY 1"""
    counts = query(large[0], sql).set_index("code").n
    published = per_thousand(academic_year, phase)
    absent = ["I", "M", "O", "G", "C", "E", "U"]
    ratio = {c: counts[c] / counts[absent].sum() * sum(published[k] for k in absent) / published[c] for c in absent}
    assert all(0.85 < r < 1.15 for r in ratio.values()), ratio
    come = {c: counts[c] / counts[["/", "\\"]].sum() * 1000 for c in ("L", "V")}
    expected = {c: published[c] / (published["/"] + published["\\"]) * 1000 for c in come}
    assert all(0.8 < come[c] / expected[c] < 1.2 for c in come), come


def test_absence_has_the_shape_of_a_week_and_a_half_term(large: Made) -> None:
    sql = """SELECT {by} AS by, sum(missed) / sum(marks) AS rate FROM
             (SELECT date, count(*) AS marks, count(*) FILTER (code IN ('I','O','G','M','C','N','U','E')) AS missed
              FROM {{marks}} GROUP BY date)
             JOIN {{calendar}} ON date BETWEEN start_date::DATE AND end_date::DATE GROUP BY 1 ORDER BY 1"""
    day = query(large[0], sql.format(by="dayofweek(date)")).set_index("by").rate
    assert list(day.sort_values().index[-2:]) == [1, 5]  # Friday highest, Monday next
    week = query(
        large[0],
        sql.format(by="(date - start_date::DATE) // 7").replace("GROUP BY 1", "WHERE half_term = '1' GROUP BY 1"),
    )
    assert (week.rate.diff().dropna() > 0).all()

"""What a random intercept costs, measured beside its peers in one run: lme4 where R is installed, statsmodels MixedLM.

    python benchmarks/models.py [--repeats N] [--largest]

Each line: median wall and CPU seconds of `--repeats` runs after one to warm up (MixedLM on many rows: one run), the
ratio to ours, and how far the answer lies from ours: coefficients in standard errors, the variance between relatively.
The data are in memory before the clock starts. `--largest` adds 8 million rows in 24,000 groups, from sums.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from statsmodels.regression.mixed_linear_model import MixedLM  # noqa: E402

from attendlib.stats.mixed import random_intercept, random_intercept_from_sums  # noqa: E402
from attendlib.stats.sums import add, group_sums  # noqa: E402

COLUMNS = ["constant", "x", "z"]
R_CODE = """
suppressMessages(library(lme4)); d <- read.csv(commandArgs(TRUE)[1]); n <- as.integer(commandArgs(TRUE)[2])
run <- function() lmer(y ~ x + z + (1 | group), d, control = lmerControl(calc.derivs = CALC))
m <- run()
for (i in seq_len(n)) {
  t <- system.time(m <- run())
  cat("time", t[["elapsed"]], t[["user.self"]] + t[["sys.self"]], "\\n")
}
cat("fit", sprintf("%.12g", c(fixef(m), as.data.frame(VarCorr(m))$vcov)), "\\n")
"""


@dataclass(frozen=True, slots=True)
class Timed:
    """Median seconds on the wall and on the CPU, and what came out: coefficients, variances between and within."""

    name: str
    wall: float
    cpu: float
    coef: np.ndarray
    between: float
    within: float
    said: str = ""


def planted(rows: int, groups: int, seed: int = 1) -> pd.DataFrame:
    """Rows in groups of uneven size; x varies within groups, z between them; variance between 0.09, within 0.6."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(8, 1, groups)
    group = np.sort(rng.choice(groups, rows, p=size / size.sum()))
    x, z = rng.normal(size=rows), rng.normal(size=groups)[group]
    y = 1 + 0.5 * x + 0.3 * z + 0.3 * rng.normal(size=groups)[group] + 0.6**0.5 * rng.normal(size=rows)
    return pd.DataFrame({"y": y, "constant": 1.0, "x": x, "z": z, "group": group})


def timed(run: Callable[[], object], repeats: int, warm: bool = True) -> tuple[object, float, float]:
    """The last result and median wall and CPU seconds, after one run to warm up if `warm`."""
    found = run() if warm else None
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return found, statistics.median(walls), statistics.median(cpus)


def ours(d: pd.DataFrame, repeats: int) -> Timed:
    X = d[COLUMNS]
    fit, wall, cpu = timed(lambda: random_intercept(d["y"], X, d["group"]), repeats)
    return Timed("attendlib", wall, cpu, fit.coef.to_numpy(), fit.between, fit.within)  # type: ignore[attr-defined]


def mixedlm(d: pd.DataFrame, repeats: int, method: str | None) -> Timed:
    """MixedLM by its default optimiser (None) or `method`; what it warns of is kept."""
    said: list[str] = []

    def run() -> object:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = MixedLM(d["y"], d[COLUMNS], groups=d["group"]).fit(method=method)
        said[:] = [f"converged={fit.converged}", *sorted({w.category.__name__ for w in caught})]
        return fit

    slow = len(d) > 100_000  # tens of seconds a run: one, with nothing to warm up
    fit, wall, cpu = timed(run, 1 if slow else min(repeats, 3), warm=not slow)
    name = f"statsmodels MixedLM ({method or 'default'})"
    coef, between = fit.fe_params.to_numpy(), float(fit.cov_re.iloc[0, 0])  # type: ignore[attr-defined]
    return Timed(name, wall, cpu, coef, between, float(fit.scale), ", ".join(said))  # type: ignore[attr-defined]


def lme4(d: pd.DataFrame, repeats: int, derivatives: bool) -> Timed | None:
    """lme4's lmer, timed inside R without reading the file; None where R or lme4 is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "data.csv"), Path(folder, "run.R")
        d.to_csv(data, index=False, float_format="%.17g")
        script.write_text(R_CODE.replace("CALC", "TRUE" if derivatives else "FALSE"))
        done = subprocess.run(
            ["Rscript", "--vanilla", str(script), str(data), str(repeats)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return None
    lines = [line.split() for line in done.stdout.splitlines()]
    times = np.array([line[1:] for line in lines if line[0] == "time"], dtype=float)
    fit = np.array(next(line[1:] for line in lines if line[0] == "fit"), dtype=float)
    name = "lme4" if derivatives else "lme4 (no derivatives)"
    return Timed(name, *np.median(times, axis=0), fit[:3], fit[3], fit[4])


def report(title: str, found: list[Timed], se: np.ndarray) -> None:
    print(f"\n{title}")
    first = found[0]
    for one in found:
        ratio = (
            f"{one.wall / first.wall:9.1f} x wall {one.cpu / first.cpu:9.1f} x CPU" if one is not first else " " * 35
        )
        off = float(np.abs((one.coef - first.coef) / se).max())
        apart = one.between / first.between - 1
        right = "" if one is first else "  equal" if off < 1e-3 and abs(apart) < 1e-3 else "  WRONG"
        print(
            f"  {one.name:34s} {one.wall:9.4f} s wall {one.cpu:9.4f} s CPU {ratio}"
            f"  off by {off:.1e} se, {apart:+.1e} between{right}  {one.said}"
        )


def compare(title: str, d: pd.DataFrame, repeats: int, methods: list[str | None]) -> None:
    first = ours(d, max(repeats, 9))
    peers: list[Timed | None] = [lme4(d, repeats, True), lme4(d, repeats, False)]
    peers += [mixedlm(d, repeats, method) for method in methods]
    se = random_intercept(d["y"], d[COLUMNS], d["group"]).se.to_numpy()
    report(title, [first, *[peer for peer in peers if peer is not None]], se)
    if peers[0] is None:
        print("  lme4 is not installed: not compared")


def largest(repeats: int, parts: int = 40, rows: int = 200_000, groups: int = 600) -> None:
    """8 million rows as 40 parts of 200,000: making sums of one part, adding all up, and the fit from them."""
    sums, made = None, []
    for part in range(parts):
        d = planted(rows, groups, seed=part)
        start = time.perf_counter()
        one = group_sums(d["y"], d[COLUMNS], d["group"] + groups * part)
        sums = one if sums is None else add(sums, one)
        made.append(time.perf_counter() - start)
    fit, wall, cpu = timed(lambda: random_intercept_from_sums(sums, "constant"), repeats)  # type: ignore[arg-type]
    coef, se = fit.coef.round(4).tolist(), fit.se.round(5).tolist()  # type: ignore[attr-defined]
    print(f"\n{parts * rows:,} rows in {parts * groups:,} groups, from sums")
    print(f"  sums, all parts one after another  {sum(made):9.4f} s wall")
    print(f"  the fit from them                  {wall:9.4f} s wall {cpu:9.4f} s CPU")
    print(f"  planted 1, 0.5, 0.3: {coef}, standard errors {se}")
    print(f"  planted 0.09 and 0.6: {fit.between:.5f} between and {fit.within:.5f} within")  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of a random intercept beside lme4 and statsmodels")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--largest", action="store_true")
    chosen = parser.parse_args()
    compare("4,059 rows in 65 groups", planted(4_059, 65), chosen.repeats, [None, "lbfgs", "powell"])
    compare("200,000 rows in 1,000 groups", planted(200_000, 1_000), chosen.repeats, [None, "lbfgs", "powell"])
    if chosen.largest:
        largest(chosen.repeats)


if __name__ == "__main__":
    main()

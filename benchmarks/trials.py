"""What resampling a trial costs: 1,000 permutations and 1,000 cluster bootstraps of the reported random intercept.

Two trials: the EEF's example (22 schools, 265 pupils; skipped where its file is not beside the checkout) and an
invented one of 100 schools and 20,000 pupils. Beside them, in the same run, a few refits of the same model by
statsmodels and, where R is installed, by lme4, scaled to 2,000: scaled, not run. eefAnalytics 1.1.5 took 104 + 98 CPU
seconds for the first trial when its reference values were made, on another machine; it is quoted, not run.
"""

import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from attendlib.stats.resample import bootstrap_clusters, permute

DRAWS = 1000
REFITS = 10
EXAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "referees" / "eef_crtData.csv"
COLUMNS = ["const", "arm", "prior"]
LME4 = """
suppressMessages(library(lme4)); d <- read.csv(commandArgs(TRUE)[1]); n <- as.integer(commandArgs(TRUE)[2])
t <- system.time(for (i in 1:n) lmer(y ~ arm + prior + (1 | school), d)); cat(sum(t[1:2]) / n)
"""


def example() -> pd.DataFrame:
    """The EEF's example trial in this benchmark's names."""
    names = {"Posttest": "y", "Intervention": "arm", "Prettest": "prior", "School": "school"}
    return pd.read_csv(EXAMPLE).rename(columns=names).assign(const=1.0)


def invented(schools: int = 100, pupils: int = 200, seed: int = 1) -> pd.DataFrame:
    """A cluster-randomised trial of unequal schools, intraclass correlation .15, effect .2."""
    rng = np.random.default_rng(seed)
    sizes = rng.multinomial(schools * pupils, rng.dirichlet(np.full(schools, 6.0)))
    school = np.repeat(np.arange(schools), sizes)
    arm = rng.permutation(np.arange(schools) % 2)[school].astype(float)
    prior = rng.normal(size=len(school))
    noise = rng.normal(0, 0.15**0.5, schools)[school] + rng.normal(0, 0.85**0.5, len(school))
    y = 0.2 * arm + 0.5 * prior + noise
    return pd.DataFrame({"const": 1.0, "arm": arm, "prior": prior, "y": y, "school": school})


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def statsmodels_refits(data: pd.DataFrame) -> None:
    """Powell's method: the default and lbfgs can stop at a wrong answer on data of this kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(REFITS):
            MixedLM(data["y"], data[COLUMNS], groups=data["school"]).fit(reml=True, method="powell")


def lme4_seconds(data: pd.DataFrame) -> float | None:
    """CPU seconds of one lme4 fit, None without R and lme4."""
    if not shutil.which("Rscript"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "trial.csv"
        data.to_csv(table, index=False)
        done = subprocess.run(
            ["Rscript", "-e", LME4, str(table), str(REFITS)], capture_output=True, text=True, check=False
        )
    return float(done.stdout) if done.returncode == 0 else None


def run(name: str, data: pd.DataFrame, note: str = "") -> None:
    """Print one trial's table."""
    found: dict[str, object] = {}
    model = {"group": data["school"], "model": "random_intercept", "draws": DRAWS}

    def permutations() -> None:
        found["p"] = permute(data["y"], data[COLUMNS], "arm", 1, unit=data["school"], **model).p

    def bootstraps() -> None:
        sample = bootstrap_clusters(
            data["y"], data[COLUMNS], "arm", data["school"], 1, statistic="effect_size", draws=DRAWS
        )
        found["interval"] = f"{sample.estimate:.3f} ({sample.low:.3f} to {sample.high:.3f})"

    ours = [timed(permutations), timed(bootstraps)]
    cpu, wall = (sum(part[i] for part in ours) for i in (0, 1))
    print(f"{name}: {data['school'].nunique()} schools, {len(data):,} pupils")
    print(f"  {DRAWS:,} permutations        {ours[0][0]:8.3f} CPU s   p {found['p']:.3f}")
    print(f"  {DRAWS:,} cluster bootstraps  {ours[1][0]:8.3f} CPU s   effect size {found['interval']}")
    print(f"  both                      {cpu:8.3f} CPU s   {wall:.3f} s by the clock")
    refits = timed(lambda: statsmodels_refits(data))[0] / REFITS * 2 * DRAWS
    print(f"  statsmodels MixedLM       {refits:8.0f} CPU s   from {REFITS} refits; {refits / cpu:,.0f} times ours")
    other = lme4_seconds(data)
    if other is None:
        print("  lme4                      not run: no R with lme4 here")
    else:
        whole = other * 2 * DRAWS
        print(f"  lme4                      {whole:8.0f} CPU s   from {REFITS} refits; {whole / cpu:,.0f} times ours")
    print(note, end="")


if __name__ == "__main__":
    if EXAMPLE.exists():
        quoted = "  eefAnalytics 1.1.5             202 CPU s   quoted from its own run elsewhere, not run here\n"
        run("The EEF's example trial", example(), quoted)
    else:
        print("The EEF's example trial: not run, its file is not beside this checkout")
    run("An invented trial", invented())

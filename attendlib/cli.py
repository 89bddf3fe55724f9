"""The `attend` command: a study in, pages out. Exit codes: 0 done, 1 some report failed, 2 nothing could be run."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attendlib.errors import AttendError

if TYPE_CHECKING:
    from attendlib.intake.study import StudyFile
    from attendlib.runner.work import How

FAILED, WRONG, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="School attendance questions answered with their uncertainty: a page per school and question.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
StudyPath = Annotated[Path, typer.Argument(help="The study file, such as params/demo-trust.yml.")]


def _place(written: str) -> Path:
    if not written.strip():
        raise AttendError("--out: no folder is named. Name one, or leave --out away.")
    return Path(written)


Out = Annotated[
    Path | None, typer.Option(parser=_place, metavar="PATH", help="Where the pages go; outputs/<study> unless said.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Reports made at once; two for each core unless said.")]
TimeLimit = Annotated[float, typer.Option(min=1, help="Seconds one report may take.")]
MemoryLimit = Annotated[float, typer.Option(min=50, help="Megabytes of memory one report may take.")]
Kernels = Annotated[Literal["auto", "forked", "ordinary"], typer.Option(help="How a report's process is started.")]


@app.command()
def demo(out: Out = None, workers: Workers = None) -> None:
    """Makes the synthetic trust and every page for it, and prints where the index is."""
    from attendlib.intake.demo import demo_study
    from attendlib.intake.study import read_study
    from attendlib.runner.work import How

    _run(read_study(demo_study()), out, how=How(workers))


@app.command()
def synth(
    folder: Path,
    schools: Annotated[int, typer.Option(help="One in three a secondary.")] = 6,
    pupils: Annotated[int, typer.Option(help="On roll on the first day of the first year.")] = 2640,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 20250912,
    effect_days: Annotated[float, typer.Option(help="Fewer days absent a year for pupils rung by a tutor.")] = 6.0,
    dip_points: Annotated[float | None, typer.Option(help="Absence points gained on entering Year 7.")] = None,
    dip_points_fsm6: Annotated[float | None, typer.Option(help="The same, for pupils with fsm6.")] = None,
    attainment8_link: Annotated[float, typer.Option(help="Points at 10% against 2% absence.")] = -3.0,
) -> None:
    """Writes a tidy folder of invented schools, and truth.json: what was planted and what came of it."""
    from attendlib.intake.synthetic.shape import NATIONAL_DIP
    from attendlib.intake.synthetic.write import write_trust

    if (folder / "schools.csv").exists():
        raise AttendError(f"{folder}: there are schools in it already; name another folder.")
    write_trust(
        folder,
        schools=schools,
        pupils=pupils,
        seed=seed,
        effect_days=effect_days,
        dip_points=NATIONAL_DIP[0] if dip_points is None else dip_points,
        dip_points_fsm6=NATIONAL_DIP[1] if dip_points_fsm6 is None else dip_points_fsm6,
        attainment8_link=attainment8_link,
    )
    print(folder)


@app.command(name="import")
def import_(study: StudyPath) -> None:
    """Reads the source into the store, if it changed."""
    from attendlib.intake.store import ensure_store
    from attendlib.intake.study import read_study

    store = ensure_store(read_study(study))
    for note in store.notes:
        print(note)
    print(f"{len(store.schools):,} schools in the store; data {store.digest[:12]}.")


@app.command()
def check(study: StudyPath) -> None:
    """Says everything wrong with the study and its data: file, column, count, remedy."""
    from attendlib.intake.load import looked_over
    from attendlib.intake.study import read_study
    from attendlib.runner.templates import templates

    study_file = read_study(study)
    templates(study_file)
    for note in looked_over(study_file):
        print(note)
    print("Nothing wrong was found.")


@app.command()
def run(
    study: StudyPath,
    school: Annotated[list[str] | None, typer.Option(help="Only this school (URN); may be given again.")] = None,
    notebook: Annotated[list[str] | None, typer.Option(help="Only this notebook; may be given again.")] = None,
    out: Out = None,
    workers: Workers = None,
    force: Annotated[bool, typer.Option("--force", help="Run what is up to date too.")] = False,
    only_failed: Annotated[bool, typer.Option("--only-failed", help="Only reports that failed last time.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and stop.")] = False,
    scheduler: Annotated[str, typer.Option(help="A Dask scheduler, tcp://host:port, whose workers do it.")] = "",
    time_limit: TimeLimit = 900,
    memory_limit: MemoryLimit = 4000,
    kernels: Kernels = "auto",
    events: Annotated[Path | None, typer.Option(help="A file to add events to, a line of JSON each.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each page as PDF too, by Chromium.")] = False,
) -> None:
    """Runs the reports that are out of date."""
    from attendlib.intake.study import read_study
    from attendlib.runner.work import How, Limits

    how = How(workers, Limits(time_limit, memory_limit), kernels, scheduler)
    _run(read_study(study), out, school or (), notebook or (), how, force, only_failed, dry_run, events, pdf)


@app.command("run-one")
def run_one(
    study: StudyPath,
    notebook: str,
    school: str,
    out: Out = None,
    time_limit: TimeLimit = 900,
    memory_limit: MemoryLimit = 4000,
) -> None:
    """Makes one report, for other schedulers; `attend run` then writes index and results from all of them."""
    from attendlib.export.entry import FAILING
    from attendlib.intake.study import read_study
    from attendlib.runner.identifiers import forbidden
    from attendlib.runner.kernels import Limits, kernels
    from attendlib.runner.log import write_log
    from attendlib.runner.plan import make_plan
    from attendlib.runner.progress import line
    from attendlib.runner.report import make
    from attendlib.runner.state import FullDiskError

    plan = make_plan(read_study(study))
    jobs = plan.choose([school], [notebook])
    if not jobs:
        raise AttendError(f"{notebook} makes no page for {school}.")
    place = _out(plan.study_file, out)
    with kernels(plan.study_file.path, Limits(time_limit, memory_limit), "ordinary") as kept:  # one: nothing to share
        try:
            made = make(jobs[0], place, "run", forbidden(plan.study_file, place), kept)
        except FullDiskError as full:
            print(full, file=sys.stderr)
            raise typer.Exit(FAILED) from full
    print(line(made))
    if made.entry.status in FAILING:
        print(f"What went wrong in full: {write_log(plan.study_file.study.study, [made])}", file=sys.stderr)
        raise typer.Exit(FAILED)


@app.command()
def protocol(study: StudyPath) -> None:
    """Freezes what the study decided, with a hash, before outcomes are read; pages then say whether it was kept to."""
    from attendlib.intake.protocol import freeze, read_protocol
    from attendlib.intake.store import data_to, ensure_store
    from attendlib.intake.study import read_study

    study_file = read_study(study)
    path = freeze(study_file, data_to(ensure_store(study_file)))
    frozen = read_protocol(study_file)
    assert frozen is not None
    print(f"Frozen: {path.name}, {frozen.sha256[:12]}. Attendance is held up to {frozen.data_to or 'no date'}.")


@app.command()
def randomise(study: StudyPath) -> None:
    """Draws the trial under `randomise`, once: allocation.csv and a log without identifiers, beside the data."""
    from attendlib.intake.randomise import randomise as draw
    from attendlib.intake.study import read_study

    print("\n".join(draw(read_study(study)).lines()))


@app.command()
def power(study: StudyPath) -> None:
    """Says what the study's trial could detect: by what its protocol assumed, and by the data's own sizes."""
    from attendlib.runner.reach import say_reach

    raise typer.Exit(say_reach(study))


@app.command()
def scan(folder: Path, study: StudyPath) -> None:
    """Proves that nothing under FOLDER holds an identifier from the study's data."""
    from attendlib.export.scan import scan as look_over
    from attendlib.intake.study import read_study
    from attendlib.runner.identifiers import forbidden

    if not folder.is_dir():
        raise AttendError(f"{folder}: there is no such folder.")
    secrets = forbidden(read_study(study))
    findings = look_over(folder, secrets)
    for finding in findings:
        print(finding)
    print(f"{secrets.count:,} identifiers and pseudonyms looked for; {len(findings):,} findings.")
    if findings:
        raise typer.Exit(FAILED)


@app.command()
def lab(
    study: StudyPath,
    school: Annotated[str, typer.Option(help="The school the copies start with.")] = "all",
    copy_only: Annotated[bool, typer.Option("--copy-only", help="Copy the notebooks and stop.")] = False,
) -> None:
    """Opens JupyterLab on copies of the notebooks with the study's parameters."""
    from attendlib.intake.study import read_study
    from attendlib.runner.lab import copy_notebooks, open_lab
    from attendlib.runner.plan import make_plan

    study_file = read_study(study)
    plan = make_plan(study_file)
    plan.choose([school])
    folder = Path.cwd() / "outputs" / "lab" / study_file.study.study
    made, kept = copy_notebooks(study_file, school, folder)
    for path in made:
        print(f"copied  {path.name}")
    for path in kept:
        print(f"kept    {path.name}, which was there already; delete it for a new copy")
    print(folder)
    if not copy_only:
        raise typer.Exit(open_lab(study_file, folder))


def main() -> None:
    """The entry point: every error of ours is one clear message for each problem, never a traceback."""
    try:
        app()
    except SystemExit as ended:
        if isinstance(getattr(ended.__context__, "__cause__", None), KeyboardInterrupt):  # typer would say nothing
            print("Stopped before it was done. The same command begins again.", file=sys.stderr)
        raise
    except AttendError as error:
        print(error, file=sys.stderr)
        sys.exit(WRONG)
    except (OSError, ValueError) as error:
        from attendlib.runner.say import unusable

        print(unusable(error), file=sys.stderr)
        sys.exit(WRONG)


def _run(
    study_file: "StudyFile", out: Path | None, schools: Sequence[str] = (), notebooks: Sequence[str] = (),
    how: "How | None" = None, force: bool = False, only_failed: bool = False, dry_run: bool = False,
    events: Path | None = None, pdf: bool = False,
) -> None:  # fmt: skip
    from attendlib.runner import batch
    from attendlib.runner.plan import make_plan
    from attendlib.runner.printed import print_pages
    from attendlib.runner.progress import progress
    from attendlib.runner.say import end_lines, plan_lines, wrong_lines

    plan = make_plan(study_file)
    place = _out(study_file, out)
    todos = batch.todo(plan.choose(schools, notebooks), place, force, only_failed)
    if dry_run:
        print("".join(f"{line}\n" for line in plan_lines(todos)), end="")
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a person's Ctrl-C
    with progress(sum(item.need != "nothing" for item in todos), events) as tell:
        try:
            ran = batch.run(plan, todos, place, tell, how)
        except KeyboardInterrupt:  # a second time: leave at once, kernels end with their parent
            os._exit(INTERRUPTED)
    said = print_pages(plan, ran.entries, place) if pdf and not ran.stopped else []
    for line in wrong_lines(ran, said):
        print(line, file=sys.stderr)
    print(*end_lines(ran, len(todos), place / "index.html"), sep="\n")
    if ran.failed:
        raise typer.Exit(INTERRUPTED if ran.stopped == batch.INTERRUPTED else FAILED)


def _out(study_file: "StudyFile", out: Path | None) -> Path:
    return (out or Path("outputs") / study_file.study.study).resolve()

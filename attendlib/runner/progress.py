"""What a person sees while reports are made: a bar on a terminal, a plain line for each report elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from attendlib.export.entry import FAILING
from attendlib.runner.report import Made


def line(made: Made) -> str:
    """One report in a line: status, school, notebook, seconds, and its finding or why there is none."""
    entry = made.entry
    says = entry.reason or entry.sentence
    return f"{entry.status:<14} {entry.school} {entry.notebook} ({entry.seconds:.1f} s)  {says}"


@contextmanager
def progress(total: int) -> Iterator[Callable[[Made], None]]:
    """A function to call with each report made; on a terminal only failures are lines of their own."""
    console = Console()
    if not console.is_terminal or not total:
        yield lambda made: console.print(line(made), markup=False, highlight=False, soft_wrap=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Reports", total=total)

        def tell(made: Made) -> None:
            if made.entry.status in FAILING:
                bar.console.print(line(made), markup=False, highlight=False, soft_wrap=True)
            bar.advance(task)

        yield tell

"""Golden pages of one fixed invented school, and what a page costs. `python tests/invented.py` writes them again."""

import time

import pytest
from invented import GOLDEN, every_chart, goldens, page, three_charts


@pytest.mark.parametrize("name", ["page.html", "too_few.html", "index.html"])
def test_the_pages_are_as_they_were(name: str) -> None:
    assert goldens()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_same_record_gives_the_same_bytes() -> None:
    assert page(three_charts()) == page(three_charts())


def test_a_page_of_three_charts_is_light() -> None:
    assert len(page(three_charts()).encode()) < 100_000  # promised: 200 KB; measured: about 60
    assert len(page(every_chart()).encode()) < 200_000


def test_a_page_costs_little() -> None:
    charts = three_charts()
    page(charts)
    costs = []
    for _ in range(9):
        started = time.process_time()
        page(charts)
        costs.append(time.process_time() - started)
    assert sorted(costs)[4] < 0.060

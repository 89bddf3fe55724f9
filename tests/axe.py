"""What axe-core finds wrong with a page in the browser: WCAG 2.2 AA and best practice."""

from typing import Any

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults_of(page: Any) -> dict[str, list[Any]]:
    """Each fault's name and the places it stands in."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
    return {fault["id"]: [node["target"] for node in fault["nodes"]] for fault in found}

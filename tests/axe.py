"""What axe-core finds wrong with a page in the browser: WCAG 2.2 AA and best practice."""

from typing import Any

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FAULTS = """options => axe.run(options).then(found => Object.fromEntries(
    found.violations.map(fault => [fault.id, fault.nodes.map(node => node.target)])))"""


def faults_of(page: Any) -> dict[str, list[Any]]:
    """Each fault's name and the places it stands in.

    Every rule is run over the whole page. Only faults are written out: what passed, node by node, takes several times
    as long to say as to find.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    found: dict[str, list[Any]] = page.evaluate(_FAULTS, {"runOnly": TAGS, "resultTypes": ["violations"]})
    return found

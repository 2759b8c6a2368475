"""The accessibility faults of a page, as axe-core finds them."""

from importlib.resources import files

from playwright.sync_api import Page

SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")


def violations(page: Page) -> list[str]:
    """Each fault, by rule and element."""
    page.evaluate(SCRIPT)
    options = {"resultTypes": ["violations"], "runOnly": list(RULES)}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {node['html'][:200]}: {node.get('failureSummary', '')}"
        for each in found["violations"]
        for node in each["nodes"]
    ]

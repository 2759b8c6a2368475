"""Growth curves as SVG."""

from xml.etree import ElementTree as ET

import pytest

from tests.bench.plots import HEIGHT, WIDTH, growth

SVG = "{http://www.w3.org/2000/svg}"


def test_every_point_is_on_the_chart_and_lines_are_named() -> None:
    """It is well-formed whatever the names; larger values are further right and further up."""
    text = growth(
        "a & b", "active <runs>", "s", {"ours": [(100, 0.2), (10_000, 5)], "peers": [(100, 3), (1_000, 30)]}
    )
    root = ET.fromstring(text)  # noqa: S314 - our own text
    circles = [(float(each.get("cx", "")), float(each.get("cy", ""))) for each in root.iter(f"{SVG}circle")]
    assert len(circles) == 4
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in circles)
    assert circles[0][0] < circles[1][0]
    assert circles[0][1] > circles[1][1]
    assert {"a & b", "active <runs>", "ours", "peers"} <= {each.text for each in root.iter(f"{SVG}text")}


@pytest.mark.parametrize("lines", [{}, {"none": []}, {"zero": [(1.0, 0.0)]}, {"negative": [(-1.0, 1.0)]}])
def test_a_value_without_a_logarithm_is_rejected(lines: dict[str, list[tuple[float, float]]]) -> None:
    """An empty chart would pass for a measurement."""
    with pytest.raises(ValueError, match="greater than zero"):
        growth("t", "x", "y", lines)

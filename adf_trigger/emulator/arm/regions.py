"""The regions that Data Factory can be created in, by cloud."""

from collections.abc import Mapping

_PUBLIC = (
    *("Australia Central", "Australia East", "Australia Southeast", "Austria East", "Belgium Central"),
    *("Brazil South", "Canada Central", "Canada East", "Central India", "Central US", "Chile Central"),
    *("East Asia", "East US", "East US 2", "France Central", "Germany West Central", "Indonesia Central"),
    *("Israel Central", "Italy North", "Japan East", "Japan West", "Jio India West", "Korea Central"),
    *("Korea South", "Malaysia West", "Mexico Central", "New Zealand North", "North Central US"),
    *("North Europe", "Norway East", "Norway West", "Poland Central", "Qatar Central"),
    *("South Africa North", "South Africa West", "South Central US", "South India", "Southeast Asia"),
    *("Spain Central", "Sweden Central", "Switzerland North", "Switzerland West", "UAE Central"),
    *("UAE North", "UK South", "UK West", "West Central US", "West Europe", "West India", "West US"),
    *("West US 2", "West US 3"),
)
_US_GOVERNMENT = ("US DoD Central", "US DoD East", "US Gov Arizona", "US Gov Texas", "US Gov Virginia")
_CHINA = ("China East", "China East 2", "China East 3", "China North", "China North 2", "China North 3")

REGIONS: Mapping[str, tuple[str, ...]] = {
    "public": _PUBLIC,
    "us-government": _US_GOVERNMENT,
    "china": _CHINA,
}
"""Display names, by the cloud's name."""

DEFAULT_REGION: Mapping[str, str] = {
    "public": "East US",
    "us-government": "US Gov Virginia",
    "china": "China East 2",
}
"""Where the stack's own factory is."""


def short(region: str) -> str:
    """A region's short name: `eastus` for `East US`."""
    return region.replace(" ", "").lower()


def is_region(cloud: str, location: str) -> bool:
    """Whether a location, by its short or its display name in any case, is a region of the cloud."""
    return short(location) in {short(region) for region in REGIONS[cloud]}

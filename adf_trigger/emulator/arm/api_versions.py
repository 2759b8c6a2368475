"""The api-versions that Resource Manager accepts, by type of resource."""

from collections.abc import Mapping
from typing import Literal

ResourceType = Literal["factories", "datafactories", "operations", "resources", "metadata"]

API_VERSIONS: Mapping[ResourceType, tuple[str, ...]] = {
    "factories": ("2017-09-01-preview", "2018-06-01"),
    "datafactories": (
        "2015-01-01-preview",
        "2015-05-01-preview",
        "2015-07-01-preview",
        "2015-08-01",
        "2015-09-01",
        "2015-10-01",
    ),
    "operations": ("2017-09-01-preview", "2018-06-01"),
    # Tenants, subscriptions, groups, providers: one list of every version that clients sent in ten years.
    "resources": (
        *("2014-04-01", "2014-04-01-preview", "2015-01-01", "2015-11-01", "2016-02-01", "2016-06-01"),
        *("2016-07-01", "2016-09-01", "2017-05-10", "2018-01-01", "2018-02-01", "2018-05-01", "2018-06-01"),
        *("2019-03-01", "2019-05-01", "2019-05-10", "2019-06-01", "2019-07-01", "2019-08-01", "2019-10-01"),
        *("2019-11-01", "2020-01-01", "2020-06-01", "2020-08-01", "2020-10-01", "2021-01-01", "2021-04-01"),
        *("2022-01-01", "2022-09-01", "2022-12-01", "2023-07-01", "2024-03-01", "2024-07-01", "2024-11-01"),
        *("2025-03-01", "2025-04-01"),
    ),
    "metadata": (
        *("2015-01-01", "2018-05-01", "2019-05-01", "2019-07-01", "2019-10-01", "2020-06-01", "2020-09-01"),
        *("2022-09-01", "2023-01-01", "2023-11-01", "2024-02-01"),
    ),
}

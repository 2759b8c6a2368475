"""The destination of pipelines' requests for Azure's own names."""

import asyncio

import httpx
import pytest

from adf_trigger.emulator.outbound.surroundings import Surroundings

NOWHERE = Surroundings(names=("management.azure.com",))


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com/t/oauth2/token",
        "https://LOGIN.microsoftonline.com/t/oauth2/token",
        "https://login.microsoftonline.com./t/oauth2/token",
        "https://westeurope.login.microsoft.com/t/oauth2/token",
        "https://login.microsoftonline.us/t/oauth2/token",
        "https://login.partner.microsoftonline.cn/t/oauth2/token",
        "https://login.windows.net:444/t",
        "http://login.windows.net/t",
        "https://management.azure.com./subscriptions",
    ],
)
def test_unserved_names_of_azure_are_not_called(url: str) -> None:
    """However a token endpoint is written, of whatever cloud, no request for it is sent."""

    async def ask() -> None:
        async with NOWHERE.client() as client:
            await client.post(url, data={"client_secret": "s"})

    with pytest.raises(httpx.ConnectError, match="never requested from the real Azure"):
        asyncio.run(ask())

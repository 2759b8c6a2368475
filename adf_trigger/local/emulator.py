"""The process that serves the emulated Azure: Resource Manager with Data Factory, Entra ID, managed identity.

    python -m adf_trigger.local.emulator --data DIR

Prints one JSON line with its addresses once all of them answer; ends on SIGTERM or SIGINT. Its secrets come by
the environment (LAPTOP_CLIENT_SECRET, LAPTOP_IDENTITY_HEADER), and are made up where they are not given.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from adf_trigger.clock import utcnow
from adf_trigger.local.endpoints import FACTORY_ID
from adf_trigger.local.environment import CLIENT_SECRET, IDENTITY_HEADER
from adf_trigger.local.factory.app import FactoryConfig, FactoryEmulator
from adf_trigger.local.factory.engine.secrets import Secrets
from adf_trigger.local.factory.options import Options
from adf_trigger.local.factory.serving import http_protocol
from adf_trigger.local.identity import laptop, managed_identity
from adf_trigger.local.identity.directory import Directory
from adf_trigger.local.identity.entra import entra_app
from adf_trigger.local.identity.managed_identity import managed_identity_app
from adf_trigger.local.identity.tokens import TokenAuthority
from adf_trigger.local.secrets_file import HELP as SECRETS_HELP
from adf_trigger.local.secrets_file import secrets_file
from adf_trigger.local.serving import make_certificate, serving

logger = logging.getLogger(__name__)

_ARM = "https://management.azure.com"
_API_VERSION = "2018-06-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """How the process is run.

    Attributes:
        data: folder for its database, certificates and keys.
        client_secret: of the service principals.
        identity_header: what callers of the managed-identity endpoint must send.
        management_port: TCP port of Resource Manager by http; 0 takes a free one, as for the others.
        management_tls_port: of the same by https.
        identity_port: of the managed-identity endpoint, by http.
        authority_port: of Entra ID, by https.
        strict: hold to the service's own limits.
        secrets: what stands in for Key Vaults.
    """

    data: Path
    client_secret: str
    identity_header: str
    management_port: int = 0
    management_tls_port: int = 0
    identity_port: int = 0
    authority_port: int = 0
    strict: bool = False
    secrets: Secrets = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulated:
    """Where everything is: addresses without a slash at the end, and files.

    Attributes:
        client_certificate_file: PEM file with key, registered for the service principals.
    """

    management_url: str
    management_tls_url: str
    control_url: str
    identity_endpoint: str
    authority_url: str
    ca_file: str
    client_certificate_file: str


@asynccontextmanager
async def emulated(config: EmulatorConfig) -> AsyncIterator[Emulated]:
    """Serve the emulated Azure, with one factory in it, in the running event loop.

    Raises:
        OSError: a port is taken, or the folder cannot be written.
    """
    config.data.mkdir(parents=True, exist_ok=True)
    certificate = make_certificate(config.data)
    client_pem = config.data / "client.pem"
    directory = laptop.laptop_directory(
        secret=config.client_secret,
        certificate=laptop.make_client_certificate(client_pem, utcnow()),
        now=utcnow(),
    )
    tokens = TokenAuthority(laptop.TENANT_ID)

    async with AsyncExitStack() as running:
        authority_url = await running.enter_async_context(
            serving(entra_app(directory, tokens), port=config.authority_port, certificate=certificate)
        )
        identity_url = await running.enter_async_context(
            serving(
                managed_identity_app(directory, tokens, identity_header=config.identity_header),
                port=config.identity_port,
            )
        )
        emulator = FactoryEmulator(
            FactoryConfig(
                data=config.data,
                tokens=tokens,
                authority_url=authority_url,
                options=Options(strict=config.strict),
                secrets=config.secrets,
            )
        )
        await emulator.start()
        running.push_async_callback(emulator.close)
        await _provide_factory(emulator, directory, tokens)
        management_url = await running.enter_async_context(
            serving(emulator.asgi, port=config.management_port, http_protocol=http_protocol)
        )
        management_tls_url = await running.enter_async_context(
            serving(
                emulator.asgi,
                port=config.management_tls_port,
                certificate=certificate,
                http_protocol=http_protocol,
            )
        )
        yield Emulated(
            management_url=management_url,
            management_tls_url=management_tls_url,
            control_url=f"{management_url}/_emulator",
            identity_endpoint=identity_url + managed_identity.PATH,
            authority_url=authority_url,
            ca_file=str(certificate.ca),
            client_certificate_file=str(client_pem),
        )


async def _provide_factory(emulator: FactoryEmulator, directory: Directory, tokens: TokenAuthority) -> None:
    """Make the laptop's factory by the front door, unless an earlier start has left one."""
    owner = directory.application(laptop.TENANT_ID, laptop.OWNER_CLIENT_ID)
    if owner is None:
        raise LookupError("the directory lacks the owner")
    token = tokens.issue(owner.identity, _ARM, now=utcnow())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(emulator.asgi),
        base_url=_ARM,
        params={"api-version": _API_VERSION},
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        reply = await client.get(FACTORY_ID)
        if reply.status_code == httpx.codes.NOT_FOUND:
            reply = await client.put(FACTORY_ID, json={"location": "East US"})
        reply.raise_for_status()


async def _run(config: EmulatorConfig) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with emulated(config) as addresses:
        sys.stdout.write(json.dumps(asdict(addresses)) + "\n")
        sys.stdout.flush()
        # What has been loaded stays: to look through it again and again would hold up every reply meanwhile.
        gc.freeze()
        logger.info(
            "The emulator is running at %s", addresses.management_url, extra={"action": "emulator_started"}
        )
        await stop.wait()
    logger.info("The emulator has stopped", extra={"action": "emulator_stopped"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator until SIGTERM or SIGINT; give the exit code: 0, or 1 if it could not run."""
    parser = argparse.ArgumentParser(prog="python -m adf_trigger.local.emulator")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder for what it keeps")
    for name in ("management", "management-tls", "identity", "authority"):
        parser.add_argument(f"--{name}-port", type=int, default=0, metavar="N", help="0 takes a free one")
    parser.add_argument("--secrets", type=secrets_file, default={}, metavar="FILE", help=SECRETS_HELP)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    config = EmulatorConfig(
        client_secret=os.environ.get(CLIENT_SECRET) or laptop.make_secret(),
        identity_header=os.environ.get(IDENTITY_HEADER) or laptop.make_secret(),
        **vars(options),
    )
    try:
        asyncio.run(_run(config))
    except OSError as exc:
        logger.critical("The emulator cannot run: %s", exc, extra={"action": "emulator_failed"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

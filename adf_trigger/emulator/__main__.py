"""The process that serves the emulated Azure: Resource Manager with Data Factory, Entra ID, managed identity.

    python -m adf_trigger.emulator --data DIR

Prints one JSON line with its addresses once all of them answer; ends on SIGTERM or SIGINT. Its secrets come by
the environment (EMULATOR_CLIENT_SECRET, EMULATOR_IDENTITY_HEADER), and are made up where they are not given.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from adf_trigger.emulator import defaults
from adf_trigger.emulator.environment import CLIENT_SECRET, IDENTITY_HEADER
from adf_trigger.emulator.hosting import EmulatorConfig, emulated
from adf_trigger.emulator.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.secrets_file import secrets_file

logger = logging.getLogger(__name__)


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
    parser = argparse.ArgumentParser(prog="python -m adf_trigger.emulator")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder for what it keeps")
    for name in ("management", "management-tls", "identity", "authority"):
        parser.add_argument(f"--{name}-port", type=int, default=0, metavar="N", help="0 takes a free one")
    parser.add_argument("--secrets", type=secrets_file, default={}, metavar="FILE", help=SECRETS_HELP)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    config = EmulatorConfig(
        client_secret=os.environ.get(CLIENT_SECRET) or defaults.make_secret(),
        identity_header=os.environ.get(IDENTITY_HEADER) or defaults.make_secret(),
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

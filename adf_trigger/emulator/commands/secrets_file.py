"""`--secrets FILE`: secrets that replace the Key Vaults of a factory's linked services."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adf_trigger.emulator.engine.secrets import Secrets

HELP = 'JSON file of Key Vault secrets: {"linked service": {"secret": "value"}}'


def secrets_file(name: str) -> "Secrets":
    """Read the file that a command line names.

    Raises:
        argparse.ArgumentTypeError: the file cannot be read, or is not valid; the message never has its
            values.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - few command lines name a file

    from adf_trigger.emulator.control.bodies import SecretsBody  # noqa: PLC0415 - the same

    try:
        return SecretsBody.model_validate_json(Path(name).read_bytes()).root
    except OSError as exc:
        raise argparse.ArgumentTypeError(f"{name} cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip() for fault in exc.errors()
        )
        raise argparse.ArgumentTypeError(f"{name}: {faults}") from None

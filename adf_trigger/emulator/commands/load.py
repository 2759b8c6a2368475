"""The options of `import`, which loads an existing Data Factory into a stack's data folder.

python -m adf_trigger.local import FOLDER --data DIR
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.loading import FACTORY


def add_import(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to a parser."""
    parser.add_argument("folder", type=Path, help=f"{SOURCE_HELP}; or a template's file")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the stack's data folder")
    parser.add_argument("--factory", default=FACTORY, metavar="NAME", help="its local name (%(default)s)")
    parser.add_argument(
        "--azurite",
        action="store_true",
        help="point its linked services for blob storage and data lakes at the stack's Azurite",
    )
    add_choices(parser)
    parser.set_defaults(run=_load)


SOURCE_HELP = "with pipeline/, dataset/, … or ARMTemplateForFactory.json"


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that change what is loaded."""
    parser.add_argument(
        "--linked-service",
        action="append",
        default=[],
        type=_linked_service,
        metavar="NAME=FILE",
        help="take this linked service's properties from a JSON file; may be repeated",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the template (JSON, unless it is a string); may be repeated",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _linked_service(text: str) -> tuple[str, Mapping[str, Any]]:
    name, file = _parameter(text)
    try:
        document = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise argparse.ArgumentTypeError(f"{file} cannot be read as JSON: {exc}") from exc
    properties = document.get("properties", document) if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        raise argparse.ArgumentTypeError(f"{file} does not hold a JSON object")
    return name, properties


def _load(options: argparse.Namespace) -> int:
    from adf_trigger.emulator.commands.loader import load  # noqa: PLC0415 - it needs the whole emulator

    return load(options)

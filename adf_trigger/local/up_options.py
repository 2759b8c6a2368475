"""The options of `up`."""

import argparse
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from adf_trigger.emulator.commands.load import SOURCE_HELP, add_choices
from adf_trigger.emulator.commands.loading import LoadRequest
from adf_trigger.emulator.commands.messages import say
from adf_trigger.emulator.commands.options import add_allow_host, add_any_group, add_cloud
from adf_trigger.emulator.commands.ports import port
from adf_trigger.emulator.commands.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.commands.secrets_file import secrets_file
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.functions_host.environment import HOST_KEY, MASTER_KEY
from adf_trigger.local.processes.ports import USUAL, Ports, names, option
from adf_trigger.local.stack.stack_config import APP, POLL_SCHEDULE, StackConfig
from adf_trigger.local.up import UpOptions, up
from adf_trigger.settings import known_names
from adf_trigger.settings.faults import unknown_names

_PREFIX = "ADF_TRIGGER_"
_USAGE = 2
_ALIKE = 0.9


def add_up(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to a parser."""
    parser.add_argument(
        "repository",
        type=Path,
        nargs="?",
        metavar="FACTORY",
        help=f"a factory to load first: a folder {SOURCE_HELP}, or a template file; its linked services to blob "
        "storage and data lakes connect to this Azurite (default: the factory of --data, else the quickstart's)",
    )
    add_choices(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON line once everything is ready")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep data here (default: a temporary folder)"
    )
    parser.add_argument("--app", type=Path, default=APP, metavar="DIR", help="folder with function_app.py")
    parser.add_argument(
        "--poll-schedule",
        default=POLL_SCHEDULE,
        metavar="NCRONTAB",
        help="schedule of the timer (default: %(default)s)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="an app setting; may be repeated",
    )
    parser.add_argument(
        "--host-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="an argument for the functions host",
    )
    parser.add_argument("--secrets", type=_secrets, metavar="FILE", help=SECRETS_HELP)
    add_any_group(parser)
    add_allow_host(parser)
    add_cloud(parser)
    parser.add_argument("--restart", action="store_true", help="restart the functions host if it dies")
    for name in names():
        usual = getattr(USUAL, name)
        parser.add_argument(
            option(name),
            type=port,
            default=0,
            metavar="N",
            help=f"(default: {usual}; with --json, a free port)",
        )
    parser.set_defaults(run=_up)


def _up(options: argparse.Namespace) -> int:
    if options.repository is None and (options.linked_service or options.parameter):
        say("up: --linked-service and --parameter require a FACTORY to load")
        return _USAGE
    settings = dict(options.set)
    for line in suspect_settings(settings):
        say(f"--set {line}")
    return up(
        UpOptions(
            config=StackConfig(
                data=options.data,
                app=options.app,
                ports=Ports(**{name: getattr(options, f"{name}_port") for name in names()}),
                poll_schedule=options.poll_schedule,
                settings={"ADF_TRIGGER_CLOUD": options.cloud, **settings},
                host_options=tuple(options.host_option),
                secrets=options.secrets,
                any_group=options.any_group,
                allow_hosts=tuple(options.allow_host),
                loading=_loading(options),
            ),
            as_json=options.json,
            restart=options.restart,
        )
    )


def _loading(options: argparse.Namespace) -> LoadRequest | None:
    if options.repository is None:
        return None
    return LoadRequest(
        source=options.repository,
        linked_services=dict(options.linked_service),
        parameters=dict(options.parameter),
        to_azurite=True,
        allowed=AllowedHosts.of(options.allow_host),
    )


def suspect_settings(settings: dict[str, str]) -> list[str]:
    """A sentence for each setting that the app probably does not read."""
    known = known_names() | {HOST_KEY, MASTER_KEY}
    found = unknown_names(settings, known)
    found += [
        f"{name}: the app reads {_PREFIX}{name.upper()}, not this name"
        for name in settings
        if name not in known and f"{_PREFIX}{name.upper()}" in known
    ]
    return found + list(_mistyped(settings, known))


def _mistyped(settings: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """A sentence for each name that nearly is one of our prefixed names: an app's own names do not resemble them."""
    ours = [name for name in known if name.startswith(_PREFIX)]
    for name in settings:
        like = name.upper().replace("-", "_")
        if name in known or name.upper().startswith(_PREFIX):
            continue
        if nearest := get_close_matches(like, ours, n=1, cutoff=_ALIKE):
            yield f"{name}: the app does not read this name; the nearest name of a setting is {nearest[0]}"


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _secrets(name: str) -> Path:
    secrets_file(name)  # read again where it is used; checked here, so that errors are usage errors
    return Path(name)

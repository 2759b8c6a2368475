"""`python -m adf_trigger.replay`: work through the rejected messages, with the app's own settings for storage."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unicodedata import category

from adf_trigger.contracts import as_dict
from adf_trigger.errors import AdfTriggerError, Fault, InvalidRequest, NotFound
from adf_trigger.events.texts import original_text
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.news import RejectedMessage
from adf_trigger.replay.tool import Done, ReplayTool
from adf_trigger.settings import CommonSettings
from adf_trigger.settings.opening import storage_account

_PROGRAM = "python -m adf_trigger.replay"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 not or not all done, 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        settings = CommonSettings.from_env()
        storage = storage_account(settings)
        ledger = open_table_ledger(storage, table=settings.table, create_missing=True)
        tool = ReplayTool(
            ledger.rejected(),
            ledger,
            storage.queue(settings.rejected_queue, encoding="none"),
            storage.queue(settings.requests_queue, encoding="none"),
            by=_user(),
        )
        code: int = options.run(tool, options)
    except AdfTriggerError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Messages that could not become runs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="one line a message, oldest first")
    listing.add_argument("--json", action="store_true", help="whole messages, one JSON object a line")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="one message, with every fault and its original text")
    show.add_argument("id", help="its requestId, or the message's id")
    show.set_defaults(run=_show)
    for name, run, help_text in (
        ("replay", _replay, "send messages to the requests queue again, under their keys"),
        ("discard", _discard, "remove messages for good"),
    ):
        command = commands.add_parser(name, help=help_text)
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", default=[], metavar="ID", help="requestIds, or ids of messages")
        which.add_argument("--all", action="store_true", help="every message present now")
        command.set_defaults(run=run)
        if name == "replay":
            command.add_argument(
                "--secrets",
                metavar="FILE",
                help="JSON object of the values that are not stored, name to value; - reads it from standard input",
            )
            command.add_argument(
                "--force",
                action="store_true",
                help="also send those that may start a second run, and those already in the queue",
            )
    return parser


def _list(tool: ReplayTool, options: argparse.Namespace) -> int:
    for message in tool.all():
        if options.json:
            _say(json.dumps(as_dict(message)))
        else:
            _say(f"{message.rejected_at:%Y-%m-%d %H:%M:%S}Z  {message.request_id}  {_line(message.reason)}")
    return 0


def _show(tool: ReplayTool, options: argparse.Namespace) -> int:
    found = [message for message in tool.all() if options.id in _names(message)]
    fates = tool.fates(options.id)
    for request_id, fate in fates:
        _say(f"{_line(request_id)}: {_line(fate)}")
    if not found and not fates:
        raise NotFound(f"no rejected message has the requestId {options.id}")
    for message in found:
        _say(f"requestId:  {_line(message.request_id)}")
        _say(f"rejected:   {message.rejected_at:%Y-%m-%d %H:%M:%S}Z after {message.attempts} deliveries")
        _say(f"reason:     {_line(message.reason)}")
        for error in message.errors:
            _say(
                f"  {_line(error.pointer)}: {_line(error.message)}"
                if error.pointer
                else f"  {_line(error.message)}"
            )
        if message.taken_as:
            _say(f"taken as:   {_line(message.taken_as)}")
        if message.masked:
            _say(f"masked:     {_line(', '.join(message.masked))}")
        _say(f"message:    {_printable(_original(message))}")
    return 0


def _original(message: RejectedMessage) -> str:
    try:
        return original_text(message)
    except ValueError as exc:
        return f"({exc}) {message.message}"


def _replay(tool: ReplayTool, options: argparse.Namespace) -> int:
    given = _secrets(options.secrets)
    asked = sys.stdin is not None and sys.stdin.isatty() and options.secrets is None

    def values(message: RejectedMessage) -> Mapping[str, object]:
        names = message.masked or []
        if not asked:
            return given
        return {name: getpass.getpass(f"{_line(name)} of {_line(message.request_id)}: ") for name in names}

    done = tool.replay(_choice(options), values=values, force=options.force, named=not options.all)
    return _printed("replayed", done, options)


def _discard(tool: ReplayTool, options: argparse.Namespace) -> int:
    return _printed("discarded", tool.discard(_choice(options), named=not options.all), options)


def _user() -> str | None:
    """The name recorded with what is done here; like a note, it is not verified."""
    try:
        return f"{getpass.getuser()} by {_PROGRAM}"
    except (KeyError, OSError):
        return _PROGRAM


def _secrets(file: str | None) -> Mapping[str, object]:
    if file is None:
        return {}
    try:
        document = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8"))
    except (OSError, ValueError):
        document = None
    if isinstance(document, dict):
        return document
    raise InvalidRequest([Fault("--secrets", "must be a file with a JSON object, name to value")])


def _printed(what: str, done: Done, options: argparse.Namespace) -> int:
    for request_id in done.done:
        _say(f"{what} {_line(request_id)}")
    for request_id, fate in done.before:
        _say(f"{_line(request_id)}: {_line(fate)}")
    for request_id, why in done.kept:
        _say(f"kept {_line(request_id)}: {_line(why)}")
    missing = [each for each in options.ids if each not in done.named]
    for each in missing:
        sys.stderr.write(f"no rejected message has the requestId {_line(each)}\n")
    return 1 if missing or done.kept else 0


def _choice(options: argparse.Namespace) -> Callable[[RejectedMessage], bool]:
    ids = set(options.ids)
    return lambda message: options.all or not ids.isdisjoint(_names(message))


def _names(message: RejectedMessage) -> set[str]:
    return {message.request_id, message.message_id}


def _line(text: str) -> str:
    """A text on one line, so that no message can imitate our own output."""
    return _printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _printable(text: str) -> str:
    """A text without characters that a terminal would interpret: controls, text directions, unpaired surrogates."""
    return "".join(
        each.encode("unicode_escape").decode() if each not in "\n\t" and category(each)[0] == "C" else each
        for each in text
    )


def _say(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


if __name__ == "__main__":
    sys.exit(main())

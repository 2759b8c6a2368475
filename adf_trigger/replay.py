"""`python -m adf_trigger.replay`: work through the rejected queue, with the app's own settings for storage."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from adf_trigger.contracts import RejectedMessage, as_dict
from adf_trigger.errors import AdfTriggerError, NotFound
from adf_trigger.events.texts import original_text
from adf_trigger.opening import storage_account
from adf_trigger.rejected import RejectedQueue
from adf_trigger.settings import CommonSettings

_PROGRAM = "python -m adf_trigger.replay"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 not, 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        settings = CommonSettings.from_env()
        storage = storage_account(settings)
        queue = RejectedQueue(
            storage.queue(settings.rejected_queue, encoding="none"),
            storage.queue(settings.requests_queue, encoding="none"),
        )
        code: int = options.run(queue, options)
    except AdfTriggerError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Messages that could not become runs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="one line a message, oldest first")
    listing.add_argument("--json", action="store_true", help="the messages whole, one JSON object a line")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="one message, with every fault and its original text")
    show.add_argument("id", help="its requestId")
    show.set_defaults(run=_show)
    for name, run, help_text in (
        ("replay", _replay, "send messages to the requests queue again, under their keys"),
        ("discard", _discard, "remove messages for good"),
    ):
        command = commands.add_parser(name, help=help_text)
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", default=[], metavar="ID", help="requestIds")
        which.add_argument("--all", action="store_true", help="every message that is there now")
        command.set_defaults(run=run)
    return parser


def _list(queue: RejectedQueue, options: argparse.Namespace) -> int:
    for message in queue.all():
        if options.json:
            _say(json.dumps(as_dict(message), ensure_ascii=False))
        else:
            _say(f"{message.rejected_at:%Y-%m-%d %H:%M:%S}Z  {message.request_id}  {message.reason}")
    return 0


def _show(queue: RejectedQueue, options: argparse.Namespace) -> int:
    found = [message for message in queue.all() if message.request_id == options.id]
    if not found:
        raise NotFound(f"no rejected message has the requestId {options.id}")
    for message in found:
        _say(f"requestId:  {message.request_id}")
        _say(f"rejected:   {message.rejected_at:%Y-%m-%d %H:%M:%S}Z after {message.attempts} deliveries")
        _say(f"reason:     {message.reason}")
        for error in message.errors:
            _say(f"  {error.pointer or '/'}: {error.message}")
        _say(f"message:    {original_text(message)}")
    return 0


def _replay(queue: RejectedQueue, options: argparse.Namespace) -> int:
    sent, kept = queue.replay(_choice(options))
    for request_id in sent:
        _say(f"replayed {request_id}")
    for request_id in kept:
        _say(f"kept {request_id}: its message is no JSON object, so it can never work")
    return _missing(options, {*sent, *kept}) or (1 if kept else 0)


def _discard(queue: RejectedQueue, options: argparse.Namespace) -> int:
    gone = queue.discard(_choice(options))
    for request_id in gone:
        _say(f"discarded {request_id}")
    return _missing(options, set(gone))


def _choice(options: argparse.Namespace) -> Callable[[RejectedMessage], bool]:
    ids = set(options.ids)
    return lambda message: options.all or message.request_id in ids


def _missing(options: argparse.Namespace, found: set[str]) -> int:
    missing = [request_id for request_id in options.ids if request_id not in found]
    for request_id in missing:
        sys.stderr.write(f"no rejected message has the requestId {request_id}\n")
    return 1 if missing else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.chaos`: real processes under chaos, judged off line. Ends with 1 if a promise was broken."""

import argparse
import json
import logging
import secrets
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.chaos.chaos import Chaos, run
from tests.chaos.factory_rows import ROWS
from tests.chaos.table import show


def main() -> int:
    """Run it; the exit code."""
    options = _parser().parse_args()
    logging.getLogger("azure").addHandler(logging.NullHandler())  # it warns of every reply that breaks off
    console = Console()
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", highlight=False)

    folder = options.folder or Path(tempfile.mkdtemp(prefix="adf-trigger-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    say(f"Seed {seed}; history and logs are kept in {folder}")
    chaos = Chaos(
        requests=options.requests,
        events=0 if options.row else options.events,
        minutes=options.minutes,
        seed=seed,
        ids=options.ids,
        official=_official(options),
        folder=folder,
        row=options.row,
    )
    verdict = run(chaos, say)
    show(verdict, console)
    say(f"Done; seed {seed}.")
    if options.json is not None:
        report = {"seed": seed, "duration": round(time.monotonic() - began, 1), **verdict.to_json()}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for kind in verdict.unmet:
        say(f"{kind!r} never came: the row has shown nothing of it.")
    return 1 if verdict.violations or verdict.unmet else 0


def _official(options: argparse.Namespace) -> int:
    """The official SDK has nothing to do with a row's own trouble."""
    if options.official is not None:
        return int(options.official)
    return 0 if options.row else int(options.requests)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000, help="how many (default: %(default)s)")
    parser.add_argument(
        "--events",
        type=int,
        default=400,
        help="how many more by events, a fifth delivered twice (default: %(default)s)",
    )
    parser.add_argument(
        "--minutes", type=float, default=6.0, help="over which they are spread (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, help="seeds every random choice (default: a random one)")
    parser.add_argument(
        "--ids",
        choices=["honoured", "ignored", "repeat-refused"],
        default="honoured",
        help="what the factory does with the ids that the app chooses (default: %(default)s)",
    )
    parser.add_argument(
        "--row", choices=sorted(ROWS), help="this kind of trouble alone, made on purpose and counted"
    )
    parser.add_argument("--official", type=int, help="requests for the official SDK (default: as many)")
    parser.add_argument("--folder", type=Path, help="where history and logs go (default: a temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())

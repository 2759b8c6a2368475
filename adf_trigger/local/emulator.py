"""The former name of `python -m adf_trigger.emulator serve`, kept for one version."""

import sys

from adf_trigger.emulator.__main__ import main

if __name__ == "__main__":
    sys.stderr.write(
        "This is now python -m adf_trigger.emulator serve --json; the next version removes the former name.\n"
    )
    sys.exit(main(["serve", "--json", "--log", *sys.argv[1:]]))

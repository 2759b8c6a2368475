"""`python -m adf_trigger.local`."""

import sys

from adf_trigger.local.missing import run_cli

if __name__ == "__main__":
    sys.exit(run_cli())

"""`python -m adf_trigger.local`."""

import sys

from adf_trigger.local.cli import main

if __name__ == "__main__":
    sys.exit(main())

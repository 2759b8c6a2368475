"""The former name of `python -m adf_trigger.functions_host`, kept for one version."""

import sys

from adf_trigger.functions_host.__main__ import main

if __name__ == "__main__":
    sys.stderr.write(
        "This is now python -m adf_trigger.functions_host; the next version removes the former name.\n"
    )
    sys.exit(main())

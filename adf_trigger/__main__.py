"""`python -m adf_trigger`, and the command `adf-trigger`."""

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich", "httpx", "pydantic")


def main() -> int:
    """Run the command; where its packages are missing, print how to install them."""
    if missing := [each for each in _NEEDED if find_spec(each) is None]:
        sys.stderr.write(
            f"adf-trigger needs {', '.join(missing)}: pip install '.[client]', in the project's folder\n"
        )
        return 2
    from adf_trigger.client.command.main import main as run  # noqa: PLC0415 - imports those packages

    return run()


if __name__ == "__main__":
    sys.exit(main())

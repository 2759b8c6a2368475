"""What pyproject.toml cannot say: the wheel has the function app, for `adf-trigger up` outside of a checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

APP = ("function_app.py", "host.json")


class WithApp(build_py):
    """Puts the function app, which lies at the root as the platform wants it, into the package of the local stack."""

    def run(self) -> None:
        """Build, and then copy; not where a checkout is installed as it is, which has them."""
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib) / "adf_trigger" / "local" / "app"
        folder.mkdir(parents=True, exist_ok=True)
        for name in APP:
            shutil.copyfile(name, folder / name)


setup(cmdclass={"build_py": WithApp})

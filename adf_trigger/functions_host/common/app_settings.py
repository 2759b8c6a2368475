"""App settings as the platform sees them: from the environment, else from local.settings.json."""

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from adf_trigger.functions_host.common.errors import SettingError

_REFERENCE = re.compile(r"%([^%]+)%")
_HOST_ID_LENGTH = 32
_TRUE = {"true", "1"}


class AppSettings(Mapping[str, str]):
    """Settings by name; case does not matter, and `:` is `__`, as in .NET configuration."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {_fold(name): value for name, value in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[_fold(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def section(self, name: str) -> dict[str, str]:
        """The settings `name__part` of a section, by `part`, both in lower case."""
        prefix = _fold(name) + "__"
        return {
            key.removeprefix(prefix): value for key, value in self._values.items() if key.startswith(prefix)
        }

    def resolve(self, text: str) -> str:
        """The text with each `%NAME%` replaced by that setting.

        Raises:
            SettingError: a setting is missing.
        """

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self:
                raise SettingError(f"'%{name}%' does not resolve to a value.")
            return self[name]

        return _REFERENCE.sub(value, text)

    def enabled(self, name: str) -> bool:
        """Whether a setting is true (or 1)."""
        return self.get(name, "").lower() in _TRUE

    def whole_number(self, name: str) -> int | None:
        """A setting as a whole number above 0; None if it is missing.

        Raises:
            SettingError: it is not such a number.
        """
        text = self.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise SettingError(f"The app setting {name} must be a whole number above 0, not {text!r}")
        return int(text)


def _fold(name: str) -> str:
    return name.lower().replace(":", "__")


def load_local_settings(app: Path, environ: MutableMapping[str, str]) -> None:
    """Put the Values of local.settings.json into the environment, unless they are set there.

    The app reads its settings from the environment, so they must be set before it is imported.

    Raises:
        SettingError: the file exists, but Core Tools would not accept it.
    """
    path = app / "local.settings.json"
    if not path.exists():
        return
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as exc:
        raise SettingError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(document, dict) or not isinstance(values := document.get("Values", {}), dict):
        raise SettingError(f"{path} must be an object with an object Values")
    if document.get("IsEncrypted"):
        raise SettingError(f"{path} is encrypted, which only Core Tools can read")
    for name, value in values.items():
        if not isinstance(value, str):
            raise SettingError(f"{path}: the value of {name} must be a string")
        environ.setdefault(name, value)


def host_id(settings: AppSettings, app: Path) -> str:
    """The name under which timers store their lock and status.

    As on the platform: the app setting AzureFunctionsWebHost__hostid, else, on a developer's machine, the
    machine's name and a hash of the app's folder.
    """
    if given := settings.get("AzureFunctionsWebHost__hostid"):
        return given
    machine = "".join(filter(str.isalnum, platform.node()))
    folder = int(hashlib.sha256(str(app.resolve()).encode()).hexdigest()[:8], 16)
    return f"{machine}-{folder}"[:_HOST_ID_LENGTH].lower().rstrip("-")

"""`python -m tests.support.settings_table`: the README's table of settings, generated from the code."""

import sys
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from adf_trigger.settings import Settings
from adf_trigger.settings.faults import PREFIX


def settings_table() -> str:
    """The table in Markdown, in the order of the code: required settings first, Azure's own names last."""
    fields = sorted(
        Settings.model_fields.values(),
        key=lambda field: (not field.is_required(), not (field.alias or "").startswith(PREFIX)),
    )
    rows = [f"| `{field.alias}` | {_default(field)} | {field.description} |" for field in fields]
    return "\n".join(["| setting | default | what it is |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, {}, (), PydanticUndefined):
        return ""
    text = str(value).lower() if isinstance(value, bool) else getattr(value, "value", value)
    return f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")

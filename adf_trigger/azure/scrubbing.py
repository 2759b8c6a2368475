"""Removes secrets from foreign texts, before they are logged, stored or published."""

import html
import json
from collections.abc import Collection
from urllib.parse import quote, quote_plus

MASK = "***"
_WITHHELD = "(the text repeats a secret value and is left out)"

_SHORT = 4
"""Minimum length of a secret that is masked in place: a text that repeats a shorter one is left out whole."""

_BEGINNING = 8
"""A prefix of a longer secret is masked, too, from this many characters on: a text may contain it cut."""


class Scrubber:
    """Removes secrets from texts: verbatim, and as encoded in JSON, URLs and HTML.

    Args:
        secrets: the secrets; empty ones are ignored.
    """

    def __init__(self, secrets: Collection[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them. Scrub before cutting a text: part of a secret may not be found."""
        for form in self._forms:
            if len(form) >= _SHORT:
                text = _masked(text, form)
            elif form in text:
                return _WITHHELD
        return text


def _forms(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
    }


def _masked(text: str, form: str) -> str:
    beginning = form[:_BEGINNING]
    pieces, at = [], 0
    while (found := text.find(beginning, at)) >= 0:
        end = found + len(beginning)
        while end < len(text) and end - found < len(form) and text[end] == form[end - found]:
            end += 1
        pieces += [text[at:found], MASK]
        at = end
    return "".join([*pieces, text[at:]])

"""How the README puts messages, since people copy it."""

import re

from tests.support.documents import ROOT, marked_blocks

README = (ROOT / "README.md").read_text("utf-8")
RECIPES = {
    kind: [
        block.code for block in marked_blocks(README) if block.kind == kind and "queue" in block.code.lower()
    ]
    for kind in ("az", "signedin", "python", "identity")
}
PUTS = re.compile(r"storage message put\b.*?'\n|send_message\(.*?\)\n", re.DOTALL)


def test_every_message_is_put_for_ever() -> None:
    """Storage forgets a message after 7 days otherwise, and nobody is told."""
    puts = [put for codes in RECIPES.values() for code in codes for put in PUTS.findall(code)]
    assert len(puts) == 4
    assert [put for put in puts if not re.search(r"--time-to-live -1\b|time_to_live=-1\b", put)] == []


def test_every_recipe_with_a_key_has_one_by_identity() -> None:
    """The account that is deployed takes no keys: each way in and out works without one."""
    assert len(RECIPES["az"]) == len(RECIPES["signedin"]) == 2
    assert len(RECIPES["python"]) == len(RECIPES["identity"]) == 2
    assert [code for code in RECIPES["signedin"] if "--auth-mode login" not in code] == []
    assert [code for code in RECIPES["identity"] if "DefaultAzureCredential()" not in code] == []
    by_identity = "".join(RECIPES["signedin"] + RECIPES["identity"])
    assert "CONNECTION_STRING" not in by_identity

"""Every block of code of the five documents that the project stands on, by its number, and what a reader does with it.

The documents: Microsoft's quickstart by REST in its editions of 2021 and 2023 (PowerShell), a post that starts a
pipeline by REST (C#), the article on the REST connector, the reference of version 1's "create or update". Blocks are
numbered in order of appearance; those of the post are its five passages of code.
"""

from collections.abc import Mapping
from typing import NamedTuple

QUICKSTART_2021, QUICKSTART_2023 = "quickstart 2021", "quickstart 2023"
POST, REST, V1 = "post", "rest connector", "version 1"

COUNTS: Mapping[str, int] = {QUICKSTART_2021: 24, QUICKSTART_2023: 34, POST: 5, REST: 8, V1: 6}
"""How many blocks each document has."""


class Block(NamedTuple):
    """A block.

    Attributes:
        step: the step that sends it, or whose reply is held against it; empty where neither is done.
        note: why it is not sent; or what of the reply differs from what is printed, and why.
    """

    document: str
    number: int
    step: str
    note: str = ""


_SIGN_IN = (
    "signs in a person at a terminal, or chooses among a person's subscriptions: az and PowerShell have tests"
)
_VALUES = "sets variables of the shell"
_ANNOTATIONS = "`annotations` beside: it was sent, and the parameterised datasets' replies print it"
_CUT = "cut by ConvertTo-Json at its default depth: held against the same, written out"
_NAMES = "names and ids are the reader's"
_MODULE = (
    "a cmdlet of the Az module: what it sends is sent, and the module itself has a test where PowerShell is"
)

BLOCKS: tuple[Block, ...] = (
    *(Block(QUICKSTART_2021, number, "", _SIGN_IN) for number in (1, 2, 3)),
    Block(QUICKSTART_2021, 4, "", _VALUES),
    Block(QUICKSTART_2021, 5, "sign in"),
    Block(QUICKSTART_2021, 6, "factory"),
    Block(
        QUICKSTART_2021,
        7,
        "name in use",
        "another edition of the text: code DataFactoryNameInUse is what counts",
    ),
    Block(QUICKSTART_2021, 8, "factory", _NAMES),
    Block(QUICKSTART_2021, 9, "linked service"),
    Block(QUICKSTART_2021, 10, "linked service", _NAMES),
    Block(QUICKSTART_2021, 11, "input dataset"),
    Block(QUICKSTART_2021, 12, "input dataset", f"{_CUT}; {_ANNOTATIONS}"),
    Block(QUICKSTART_2021, 13, "output dataset"),
    Block(QUICKSTART_2021, 14, "output dataset", f"{_CUT}; {_ANNOTATIONS}"),
    Block(QUICKSTART_2021, 15, "pipeline"),
    Block(QUICKSTART_2021, 16, "pipeline", _CUT),
    Block(QUICKSTART_2021, 17, "run"),
    Block(QUICKSTART_2021, 18, "run", _NAMES),
    Block(QUICKSTART_2021, 19, "monitor"),
    Block(QUICKSTART_2021, 20, "monitor", "`id` beside, which the edition of 2023 prints"),
    Block(QUICKSTART_2021, 21, "activities"),
    Block(
        QUICKSTART_2021,
        22,
        "activities",
        f"{_CUT}; `id`, `details` and four members of the output beside, which the edition of 2023 prints",
    ),
    Block(QUICKSTART_2021, 23, "delete group", _MODULE),
    Block(QUICKSTART_2021, 24, "delete factory", _MODULE),
    *(Block(QUICKSTART_2023, number, "", _SIGN_IN) for number in (1, 2, 3)),
    Block(QUICKSTART_2023, 4, "", _VALUES),
    Block(QUICKSTART_2023, 5, "sign in", _MODULE),
    Block(QUICKSTART_2023, 6, "", "calls a GetToken that the document nowhere has"),
    Block(QUICKSTART_2023, 7, "factory"),
    Block(
        QUICKSTART_2023,
        8,
        "name in use",
        "another edition of the text: code DataFactoryNameInUse is what counts",
    ),
    Block(QUICKSTART_2023, 9, "factory", _NAMES),
    Block(QUICKSTART_2023, 10, "linked service"),
    Block(QUICKSTART_2023, 11, "linked service", _NAMES),
    Block(QUICKSTART_2023, 12, "input dataset"),
    Block(QUICKSTART_2023, 13, "input dataset", f"{_CUT}; {_ANNOTATIONS}"),
    Block(QUICKSTART_2023, 14, "output dataset"),
    Block(QUICKSTART_2023, 15, "output dataset", f"{_CUT}; {_ANNOTATIONS}"),
    Block(QUICKSTART_2023, 16, "pipeline"),
    Block(QUICKSTART_2023, 17, "pipeline", _CUT),
    Block(QUICKSTART_2023, 18, "run"),
    Block(QUICKSTART_2023, 19, "run", _NAMES),
    Block(QUICKSTART_2023, 20, "", "takes the id out of the reply"),
    Block(QUICKSTART_2023, 21, "parameterised input"),
    Block(
        QUICKSTART_2023, 22, "parameterised input", "an etag of zeros is printed: ours is one of the pattern"
    ),
    Block(QUICKSTART_2023, 23, "parameterised output"),
    Block(
        QUICKSTART_2023, 24, "parameterised output", "an etag of zeros is printed: ours is one of the pattern"
    ),
    Block(QUICKSTART_2023, 25, "parameterised pipeline"),
    Block(QUICKSTART_2023, 26, "parameterised pipeline", _NAMES),
    Block(QUICKSTART_2023, 27, "parameterised run"),
    Block(QUICKSTART_2023, 28, "parameterised run", _NAMES),
    Block(QUICKSTART_2023, 29, "monitor"),
    Block(QUICKSTART_2023, 30, "monitor", _NAMES),
    Block(QUICKSTART_2023, 31, "activities"),
    Block(QUICKSTART_2023, 32, "activities", _CUT),
    Block(QUICKSTART_2023, 33, "delete group", _MODULE),
    Block(QUICKSTART_2023, 34, "delete factory", _MODULE),
    Block(POST, 1, "", "the endpoint's form: the post has lost it"),
    Block(POST, 2, "", "constants"),
    Block(POST, 3, "token", "as printed it lacks client_id and any host: refused, and mended"),
    Block(POST, 4, "run", "as printed it lacks the host"),
    Block(POST, 5, "", "calls the two before, in this order"),
    Block(REST, 1, "basic"),
    Block(REST, 2, "service principal"),
    Block(REST, 3, "managed identity"),
    Block(REST, 4, "dataset"),
    Block(REST, 5, "get"),
    Block(REST, 6, "post"),
    Block(REST, 7, "get", "what the reader's service answers, page by page: not ours to print"),
    Block(REST, 8, "get"),
    Block(V1, 1, "", "the form of the body, which block 5 fills in"),
    Block(V1, 2, "", "the form of the reply, which block 6 fills in"),
    Block(V1, 3, "create"),
    Block(V1, 4, "create"),
    Block(V1, 5, "create"),
    Block(
        V1,
        6,
        "create",
        "Server, X-Powered-By and client-tracking-id, of the service's own machines, are missing",
    ),
)


def steps_of(document: str) -> set[str]:
    """The steps that a document's blocks need."""
    return {block.step for block in BLOCKS if block.document == document and block.step}

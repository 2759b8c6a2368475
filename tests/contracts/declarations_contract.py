"""What keeps to what pipelines declare, whatever keeps it. A subclass gives the `declarations`."""

import pytest

from adf_trigger.ledger.declarations import Declarations
from adf_trigger.ledger.encoding import MAX_DECLARATION_CHARS
from adf_trigger.messages.declaration import Declaration, Declared
from tests.contracts.ledger_records import a_factory

NAMES = [
    "a",
    "Copy_2026-11-22",
    "with spaces and 'quotes' (and more) = \"all\", that's it",
    "load!7c!|active|when|run",
    "übung",
    "数据\U0001f600\U00020000",
    "tab\tline\nnull\x00",
    "a" * 260,
    "é" * 260,
    "\U00020000" * 260,
]


def a_declaration(pipeline: str = "load", *names: str) -> Declaration:
    """A declaration with parameters of those names."""
    return Declaration(pipeline, tuple(Declared(name, "string", required=True) for name in names))


class DeclarationsContract:
    """The claims, each on a factory of its own."""

    @pytest.fixture
    def declarations(self) -> Declarations:
        """What is under test; the subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def factory(self) -> str:
        """A factory that no other test has."""
        return a_factory()

    def test_what_was_never_kept_is_none(self, declarations: Declarations, factory: str) -> None:
        """Nothing is known of a pipeline that nobody has asked about."""
        assert declarations.get(factory, "load") is None

    def test_a_declaration_comes_back_as_it_was(self, declarations: Declarations, factory: str) -> None:
        """Names, types and needs are kept, in their order."""
        declaration = Declaration(
            "load",
            (
                Declared("Zeit", "string", required=True),
                Declared("anzahl_ü\U0001f600", "int", required=False),
                Declared("token", "securestring", required=True),
            ),
        )
        declarations.put(factory, declaration)
        assert declarations.get(factory, "load") == declaration

    def test_a_pipeline_may_declare_nothing(self, declarations: Declarations, factory: str) -> None:
        """To have no parameters is another thing than not to be known."""
        declarations.put(factory, a_declaration())
        assert declarations.get(factory, "load") == a_declaration()

    def test_a_later_declaration_takes_the_place_of_the_earlier(
        self, declarations: Declarations, factory: str
    ) -> None:
        """A pipeline has one declaration, whatever the case of its name."""
        declarations.put(factory, a_declaration("Load", "a", "b"))
        declarations.put(factory, a_declaration("LOAD", "c"))
        assert declarations.get(factory, "load") == a_declaration("LOAD", "c")

    def test_factories_have_their_own_pipelines(self, declarations: Declarations, factory: str) -> None:
        """Pipelines of the same name in two factories are two; the case of a factory's id does not matter."""
        declarations.put(factory, a_declaration("load", "a"))
        assert declarations.get(a_factory(), "load") is None
        assert declarations.get(factory.upper(), "load") == a_declaration("load", "a")

    def test_what_is_removed_is_gone(self, declarations: Declarations, factory: str) -> None:
        """A removal takes one pipeline's declaration away, and may be repeated."""
        declarations.put(factory, a_declaration("load"))
        declarations.put(factory, a_declaration("other"))
        for _ in range(2):
            declarations.remove(factory, "LOAD")
            assert declarations.get(factory, "load") is None
        assert declarations.get(factory, "other") == a_declaration("other")

    def test_any_name_that_a_pipeline_may_have_is_kept_apart(
        self, declarations: Declarations, factory: str
    ) -> None:
        """Names with characters that keys may not have, and names longer than keys, do not meet."""
        names = [*NAMES, "\U00020000" * 259 + "b", "é" * 259 + "b"]
        for name in names:
            declarations.put(factory, a_declaration(name, name[:9]))
        assert [declarations.get(factory, name) for name in names] == [
            a_declaration(name, name[:9]) for name in names
        ]

    def test_the_largest_declaration_is_kept(self, declarations: Declarations, factory: str) -> None:
        """Fifty parameters with long names fit."""
        declaration = a_declaration("load", *(f"{number:02d}{'x' * 258}" for number in range(50)))
        declarations.put(factory, declaration)
        assert declarations.get(factory, "load") == declaration

    def test_a_declaration_that_is_too_large_leaves_nothing(
        self, declarations: Declarations, factory: str
    ) -> None:
        """What does not fit is not known, and neither is what was declared before it: that is out of date."""
        declarations.put(factory, a_declaration("load", "a"))
        declarations.put(factory, a_declaration("load", "x" * MAX_DECLARATION_CHARS))
        assert declarations.get(factory, "load") is None

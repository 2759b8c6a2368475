"""What keeps to notes, whatever keeps them. A subclass gives the `notes`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.notes import APP_SCOPE, MAX_NOTE_CHARS, MAX_SECRET_CHARS, Note, Notes, NoteTooLarge
from tests.contracts.ledger_records import a_factory


class NotesContract:
    """The claims, each on a factory of its own."""

    @pytest.fixture
    def notes(self) -> Notes:
        """What is under test; the subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def factory(self) -> str:
        """A factory that no other test has."""
        return a_factory()

    def test_what_was_never_written_is_none(self, notes: Notes, factory: str) -> None:
        """There is no note before it is written."""
        assert notes.get(factory, "state") is None
        assert notes.named(factory) == []

    def test_a_note_comes_back_as_it_was(self, notes: Notes, factory: str) -> None:
        """Whatever JSON can say is kept, and the ETag of the write is that of the next read."""
        value = {"text": "ü\U0001f600\x00\uffff", "list": [1, 2.5, None, True, {"deep": 10**30}], "": {}}
        written = notes.put(factory, "state", value)
        assert written == Note("state", value, written.etag)
        assert written.etag
        assert notes.get(factory, "state") == written

    def test_scopes_have_their_own_notes(self, notes: Notes, factory: str) -> None:
        """The case of a factory's id does not matter; another factory and the app have notes of their own."""
        written = notes.put(factory, "state", {"of": "factory"})
        notes.put(APP_SCOPE, f"test|{factory[-40:].replace('/', '.')}", {"of": "app"})
        assert notes.get(factory.upper(), "state") == written
        assert notes.get(a_factory(), "state") is None
        assert [note.value for note in notes.named(factory)] == [{"of": "factory"}]

    def test_without_an_etag_the_last_writer_wins(self, notes: Notes, factory: str) -> None:
        """A plain write takes the place of whatever is there, with a new ETag."""
        first = notes.put(factory, "tick", {"n": 1})
        second = notes.put(factory, "tick", {"n": 2})
        assert notes.get(factory, "tick") == second
        assert second.etag != first.etag

    def test_an_empty_etag_writes_the_first_note_alone(self, notes: Notes, factory: str) -> None:
        """Of several first writers one succeeds; after a removal there is a first one again."""
        first = notes.put(factory, "probe", {"n": 1}, "")
        with pytest.raises(LedgerConflict):
            notes.put(factory, "probe", {"n": 2}, "")
        assert notes.get(factory, "probe") == first
        notes.remove(factory, "probe")
        assert notes.put(factory, "probe", {"n": 3}, "").value == {"n": 3}

    def test_an_etag_that_is_out_of_date_loses(self, notes: Notes, factory: str) -> None:
        """A conditional write succeeds on what was read, and never on what has changed or gone since."""
        first = notes.put(factory, "probe", {"n": 1}, "")
        second = notes.put(factory, "probe", {"n": 2}, first.etag)
        with pytest.raises(LedgerConflict):
            notes.put(factory, "probe", {"n": 3}, first.etag)
        assert notes.get(factory, "probe") == second
        third = notes.put(factory, "probe", {"n": 4})
        with pytest.raises(LedgerConflict):
            notes.put(factory, "probe", {"n": 5}, second.etag)
        notes.remove(factory, "probe")
        with pytest.raises(LedgerConflict):
            notes.put(factory, "probe", {"n": 6}, third.etag)
        assert notes.get(factory, "probe") is None

    def test_the_same_value_written_twice_is_two_writes(self, notes: Notes, factory: str) -> None:
        """A note that was written again with an equal value is not the one that was read."""
        first = notes.put(factory, "probe", {"n": 1})
        notes.put(factory, "probe", {"n": 1}, first.etag)
        with pytest.raises(LedgerConflict):
            notes.put(factory, "probe", {"n": 1}, first.etag)

    def test_of_callers_who_meet_one_wins(self, notes: Notes, factory: str) -> None:
        """However many write on the same ETag at once, one succeeds."""
        seen = notes.put(factory, "probe", {"n": 0})

        def write(number: int) -> int | None:
            try:
                notes.put(factory, "probe", {"n": number}, seen.etag)
            except LedgerConflict:
                return None
            return number

        with ThreadPoolExecutor(8) as pool:
            won = [number for number in pool.map(write, range(1, 9)) if number is not None]
        assert len(won) == 1
        found = notes.get(factory, "probe")
        assert found is not None
        assert found.value == {"n": won[0]}

    def test_notes_are_listed_by_prefix_in_order(self, notes: Notes, factory: str) -> None:
        """Names that go on after the prefix are listed, and no others."""
        for name in ("app|b", "app|a", "app|", "app", "apq", "App|c", "ap"):
            notes.put(factory, name, {"name": name})
        assert [note.name for note in notes.named(factory, "app|")] == ["app|a", "app|b"]
        assert all(note.value == {"name": note.name} for note in notes.named(factory))
        assert notes.named(factory, "app|")[0] == notes.get(factory, "app|a")
        names = [note.name for note in notes.named(factory)]
        assert names == sorted(names) == ["App|c", "ap", "app", "app|", "app|a", "app|b", "apq"]

    def test_what_is_removed_is_gone(self, notes: Notes, factory: str) -> None:
        """A removal takes one note away, and may be repeated."""
        notes.put(factory, "state", {})
        other = notes.put(factory, "sweep", {})
        for _ in range(2):
            notes.remove(factory, "state")
            assert notes.get(factory, "state") is None
        assert notes.named(factory) == [other]

    def test_a_conditional_removal_takes_away_what_was_read_alone(self, notes: Notes, factory: str) -> None:
        """What has changed since, or is gone, is left as it is."""
        first = notes.put(factory, "backlog", {"n": 1})
        second = notes.put(factory, "backlog", {"n": 1})
        with pytest.raises(LedgerConflict):
            notes.remove(factory, "backlog", first.etag)
        assert notes.get(factory, "backlog") == second
        notes.remove(factory, "backlog", second.etag)
        assert notes.get(factory, "backlog") is None
        with pytest.raises(LedgerConflict):
            notes.remove(factory, "backlog", second.etag)

    def test_a_secret_is_kept_beside_the_value_and_shown_nowhere(self, notes: Notes, factory: str) -> None:
        """It comes back with the note, is in no text of it, and is gone where it is not written again."""
        first = notes.put(factory, "callback", {"n": 1}, "", secret="größe-\u2603")
        found = notes.get(factory, "callback")
        assert found == first
        assert found is not None
        assert found.secret == "größe-\u2603"
        assert notes.named(factory) == [first]
        assert "größe" not in repr(first) + str(first)
        second = notes.put(factory, "callback", {"n": 2}, first.etag, secret="other")
        found = notes.get(factory, "callback")
        assert found == second
        assert found is not None
        assert found.secret == "other"
        notes.put(factory, "callback", {"n": 3}, second.etag)
        found = notes.get(factory, "callback")
        assert found is not None
        assert found.secret is None

    @pytest.mark.parametrize("etag", [None, ""])
    def test_the_largest_secret_is_kept_and_a_larger_one_refused(
        self, notes: Notes, factory: str, etag: str | None
    ) -> None:
        """The refusal shows nothing of it."""
        notes.put(factory, "callback", {}, etag, secret="x" * MAX_SECRET_CHARS)
        found = notes.get(factory, "callback")
        assert found is not None
        assert found.secret == "x" * MAX_SECRET_CHARS
        with pytest.raises(NoteTooLarge) as caught:
            notes.put(factory, "other", {}, etag, secret="x" * (MAX_SECRET_CHARS + 1))
        assert "xx" not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "a/b", "a#b", "a?b", "a\\b", "a\n", "ü", "x" * 201])
    def test_a_name_that_no_key_can_hold_is_refused(self, notes: Notes, factory: str, name: str) -> None:
        """A wrong name is a mistake of the caller's, and never another note's name."""
        steps: list[Callable[[], object]] = [
            lambda: notes.get(factory, name),
            lambda: notes.put(factory, name, {}),
            lambda: notes.remove(factory, name),
        ]
        for step in steps:
            with pytest.raises(ValueError, match="not a valid name of a note"):
                step()

    @pytest.mark.parametrize("etag", [None, ""])
    def test_the_largest_note_is_kept_and_a_larger_one_refused(
        self, notes: Notes, factory: str, etag: str | None
    ) -> None:
        """A note is never cut: what does not fit leaves everything as it was."""
        room = MAX_NOTE_CHARS - len('{"text":""}')
        with pytest.raises(NoteTooLarge):
            notes.put(factory, "health", {"text": "x" * (room + 1)}, etag)
        assert notes.get(factory, "health") is None
        largest = notes.put(factory, "health", {"text": "x" * room}, etag)
        assert notes.get(factory, "health") == largest

    @pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": [float("inf")]}])
    def test_what_is_no_json_is_refused(self, notes: Notes, factory: str, value: dict[str, Any]) -> None:
        """A note is JSON that every reader understands."""
        with pytest.raises(ValueError, match="JSON"):
            notes.put(factory, "state", value)

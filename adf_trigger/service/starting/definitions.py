"""Reads and caches what pipelines declare, so that a wrong request fails early rather than as a run."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from adf_trigger.errors import LedgerError, ResourceNotFound
from adf_trigger.ledger.declarations import Declarations
from adf_trigger.messages.declaration import Declaration
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)


class Definitions:
    """Caches what pipelines declare: for a short while in memory, and durably as a fallback.

    Args:
        remember: how long an answer is reused.
        declarations: stores answers beyond this process. Its failures are logged, and fail no request.
        steps: surrounds each effect.
        holds: the holds of operators: a pipeline that is missing while it is held may come back.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        remember: timedelta,
        declarations: Declarations,
        steps: Steps,
        holds: HoldNotes,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._remember = remember
        self._declarations = declarations
        self._steps = steps
        self._holds = holds
        self._known: dict[_Key, tuple[float, Declaration]] = {}
        self._kept: dict[_Key, Declaration] = {}
        self._lock = threading.Lock()

    def get(
        self, factory: FactoryHandle, pipeline: str, *, no_older_than: timedelta | None = None
    ) -> Declaration:
        """The declaration of a pipeline. It is forgotten once the pipeline is gone, unless that is held and may return.

        Args:
            factory: where it is.
            pipeline: its name.
            no_older_than: maximum age of a cached answer for this call; None for the default.

        Raises:
            ResourceNotFound: there is no such pipeline.
            DataFactoryError, CredentialError: it could not be read and is not cached.
        """
        key = _key(factory, pipeline)
        with self._lock:
            known = self._known.get(key)
        remember = self._remember if no_older_than is None else min(no_older_than, self._remember)
        if known is not None and self._seconds() - known[0] < remember.total_seconds():
            return known[1]
        try:
            definition = factory.runs.get_pipeline(pipeline).declaration
        except ResourceNotFound:
            if not self._may_come_back(factory, pipeline):
                self._forget(factory, pipeline)
            raise
        with self._lock:
            self._known[key] = (self._seconds(), definition)
        self._keep(factory, pipeline, definition)
        return definition

    def remembered(self, factory: FactoryHandle, pipeline: str) -> Declaration | None:
        """The last known declaration of a pipeline, of this process or another, however old."""
        with self._lock:
            known = self._known.get(_key(factory, pipeline))
        if known is not None:
            return known[1]
        try:
            declaration = self._declarations.get(factory.id, pipeline)
        except LedgerError as exc:
            _log(
                "The stored declaration of pipeline %s could not be read: %s",
                "declaration_not_read",
                pipeline,
                exc,
            )
            return None
        return declaration

    def _keep(self, factory: FactoryHandle, pipeline: str, definition: Declaration) -> None:
        """Store a declaration, unless this process knows that it is stored."""
        key = _key(factory, pipeline)
        with self._lock:
            if self._kept.get(key) == definition:
                return
            self._kept[key] = definition
        try:
            with self._steps("definitions.keep"):
                self._declarations.put(factory.id, definition)
        except LedgerError as exc:
            with self._lock:
                self._kept.pop(key, None)
            _log(
                "The declaration of pipeline %s could not be stored: %s",
                "declaration_not_kept",
                pipeline,
                exc,
            )

    def _may_come_back(self, factory: FactoryHandle, pipeline: str) -> bool:
        try:
            return self._holds.of(factory).touch(pipeline)
        except LedgerError as exc:
            _log(
                "Pipeline %s is gone, and its stored declaration remains: %s",
                "declaration_not_removed",
                pipeline,
                exc,
            )
            return True

    def _forget(self, factory: FactoryHandle, pipeline: str) -> None:
        key = _key(factory, pipeline)
        with self._lock:
            self._known.pop(key, None)
            self._kept.pop(key, None)
        try:
            with self._steps("definitions.forget"):
                self._declarations.remove(factory.id, pipeline)
        except LedgerError as exc:
            _log(
                "Pipeline %s is gone, and its stored declaration could not be removed: %s",
                "declaration_not_removed",
                pipeline,
                exc,
            )


_Key = tuple[str, str]


def _key(factory: FactoryHandle, pipeline: str) -> _Key:
    return factory.id.lower(), pipeline.lower()


def _log(sentence: str, action: str, pipeline: str, error: LedgerError) -> None:
    logger.warning(
        sentence,
        pipeline,
        error,
        extra={"action": action, "pipeline": pipeline, "error": type(error).__name__},
    )

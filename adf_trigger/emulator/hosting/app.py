"""The emulator as one object: an ASGI application, and what is started and closed around it."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from adf_trigger.emulator.activities.callbacks import CALLBACK_PATH, PendingCallbacks
from adf_trigger.emulator.activities.catalogue import CONTROL, activity_types
from adf_trigger.emulator.activities.webhook import webhook
from adf_trigger.emulator.arm.arm_errors import MethodNotAllowed, unknown_path
from adf_trigger.emulator.arm.authorization import Authorization
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Operation
from adf_trigger.emulator.arm.places import Places
from adf_trigger.emulator.arm.regions import short
from adf_trigger.emulator.arm.throttling import MONITORING, TokenBuckets
from adf_trigger.emulator.common.caseless import CaselessRoute
from adf_trigger.emulator.common.clock import Clock, IdSource, MovableClock, new_id, utcnow
from adf_trigger.emulator.common.clouds import PUBLIC, Cloud
from adf_trigger.emulator.common.errors import InternalError
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.control.api import control_routes
from adf_trigger.emulator.control.page import ConsolePage
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.runtime import TokenSource
from adf_trigger.emulator.engine.secrets import Secrets
from adf_trigger.emulator.faults.rules import FaultBook
from adf_trigger.emulator.faults.visibility import Visibility
from adf_trigger.emulator.http import wire
from adf_trigger.emulator.http.request_log import RequestLog
from adf_trigger.emulator.http.request_pipeline import RequestPipeline
from adf_trigger.emulator.http.routes import OPERATIONS
from adf_trigger.emulator.identity.tokens import Identity, TokenAuthority
from adf_trigger.emulator.outbound.surroundings import Surroundings
from adf_trigger.emulator.starting.scheduler import TriggerScheduler
from adf_trigger.emulator.store import Store

DATABASE = "factory.db"
"""Name of the database in the data folder."""

_NO_TENANT = str(UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryConfig:
    """How an emulator is set up.

    Attributes:
        data: folder that the emulator keeps; None keeps everything in memory.
        tokens: whose bearer tokens are taken; None lets everybody do everything.
        location: region of the emulated service.
        clock: the true time; tests move what the emulator makes of it through `/_emulator/clock`.
        ids: where GUIDs come from.
        options: choices about the management API.
        public_url: scheme and authority for links in replies; None takes what the caller used.
        resource_groups: what there is from the start, by subscription.
        cloud: which of Azure's clouds this stands in for.
        domains: domain names of the tenant, its default one first.
        authority_url: where tokens are got, for callers who do not use the cloud's own names.
        http: client of the Web activities and connectors; None makes one.
        token: tokens of the factories' managed identities, by factory id and resource; None issues them from
            `tokens`.
        surroundings: what pipelines meet outside; None is the usual Azurite, and no name of Azure's.
        secrets: what stands in for Key Vaults from the start, and again after a reset.
        console: folder of the page over the control API; None has none.
    """

    data: Path | None = None
    tokens: TokenAuthority | None = None
    location: str = "East US"
    clock: Clock = utcnow
    ids: IdSource = new_id
    options: Options = field(default_factory=Options)
    public_url: str | None = None
    resource_groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    cloud: Cloud = PUBLIC
    domains: Collection[str] = ()
    authority_url: str | None = None
    http: httpx.AsyncClient | None = None
    token: TokenSource | None = None
    surroundings: Surroundings | None = None
    secrets: Secrets = field(default_factory=dict)
    console: Path | None = None


class FactoryEmulator:
    """An emulated Azure Data Factory.

    Attributes:
        clock: what the emulator takes for the time.
        faults: the fault rules that stand.
        log: the requests that were seen.
        asgi: serves the management API and `/_emulator/`, over as many servers as wanted (see serving/protocol.py).
        backend: what is behind it.
        called_back_at: scheme and authority for callbacks of WebHook activities; None takes what was called last.

    `start` and `close` run in the event loop that serves `asgi`.
    """

    def __init__(self, config: FactoryConfig) -> None:
        self._config = config
        self.clock = MovableClock(config.clock)
        self._tokens = config.tokens
        self._initial_options = replace(config.options)
        self.called_back_at: str | None = None
        self._callbacks = PendingCallbacks(
            lambda: self.called_back_at or self._requests.reached_at, config.ids
        )
        store = Store(config.data / DATABASE if config.data else None)
        self.faults = FaultBook(config.ids)
        self.log = RequestLog()
        self._buckets = TokenBuckets()
        self.backend = Backend(
            store=store,
            engine=self._engine(store),
            visibility=Visibility(self.faults, self.clock),
            options=config.options,
            clock=self.clock,
            new_id=config.ids,
            monitoring=TokenBuckets(MONITORING),
            tenant_id=config.tokens.tenant_id if config.tokens else _NO_TENANT,
            places=Places(config.cloud, config.authority_url),
            domains=tuple(config.domains),
        )
        self._scheduler = TriggerScheduler(self.backend)
        self.backend.triggers_changed = self._scheduler.wake
        self._requests = RequestPipeline(
            backend=self.backend,
            authorization=Authorization(config.tokens) if config.tokens else None,
            faults=self.faults,
            buckets=self._buckets,
            log=self.log,
            true_clock=config.clock,
            region=config.location,
            public_url=config.public_url,
            places=self.backend.places,
        )
        self._page = ConsolePage(config.console)
        self._provide_groups()
        self.asgi: ASGIApp = self._application()

    async def start(self) -> None:
        """Settle the runs that had not ended when the emulator last stopped, and begin to watch triggers."""
        self.backend.engine.resume()
        self._scheduler.start()

    async def reset(self, *, keep_resources: bool = False) -> None:
        """Forget everything that was done and set since the start; with `keep_resources`, not the factories."""
        await self.backend.engine.reset()
        self.backend.store.reset(keep_resources=keep_resources)
        self._provide_groups()
        self.backend.visibility.clear()
        self.faults.clear()
        self.log.clear()
        self._buckets.clear()
        self.backend.monitoring.clear()
        self.clock.offset = timedelta()
        self.choose(self._initial_options)
        self.backend.engine.secrets.replace(self._config.secrets)
        self.backend.triggers_changed()

    def _provide_groups(self) -> None:
        """The groups that are there from the start, and those of factories that an earlier version has left."""
        location = short(self._config.location)
        self.backend.store.groups.provide(self._config.resource_groups, location)
        self.backend.store.groups.adopt(location)

    def choose(self, options: Options) -> None:
        """Change the options, for what comes from now on."""
        for name, value in asdict(options).items():
            setattr(self.backend.options, name, value)

    async def close(self) -> None:
        """Stop the engine; runs that have not ended are settled at the next start: see Engine.resume."""
        await self._scheduler.close()
        await self.backend.engine.close()
        self.backend.store.close()

    def _engine(self, store: Store) -> Engine:
        engine = Engine(
            store.runs,
            store.definitions,
            clock=self.clock,
            new_id=self._config.ids,
            registry=activity_types(
                control={**CONTROL, "WebHook": webhook(self._callbacks)}, reaching_outside=["WebHook"]
            ),
            http=self._config.http,
            token=self._config.token or self._identity_token,
            surroundings=self._config.surroundings,
            options=self._config.options,
            location=self._location_of(store),
        )
        engine.secrets.replace(self._config.secrets)
        return engine

    def _location_of(self, store: Store) -> Callable[[str], str]:
        def location(factory_id: str) -> str:
            factory = store.factories.get(factory_id)
            return factory.location if factory else self._config.location

        return location

    async def _identity_token(self, factory_id: str, resource: str) -> str:
        """A token of a factory's managed identity, from the authority that the emulator itself trusts."""
        factory = self.backend.store.factories.get(factory_id)
        identity = factory.identity if factory else None
        if identity is None or "principalId" not in identity:
            raise ActivityFailed(
                "The data factory has no system-assigned managed identity.",
                error_code="ManagedIdentityNotFound",
            )
        if self._tokens is None:
            self._tokens = TokenAuthority(_NO_TENANT)
        principal = Identity(
            tenant_id=self._tokens.tenant_id,
            object_id=identity["principalId"],
            app_id=identity["principalId"],
            name=factory_id.rpartition("/")[2],
        )
        return self._tokens.issue(principal, resource, now=self.clock())

    def _application(self) -> Starlette:
        routes: list[BaseRoute] = [
            Mount("/_emulator", routes=control_routes(self, self._page)),
            Route(f"{CALLBACK_PATH}/{{token}}", self._called_back, methods=["POST"]),
            *(self._route(operation) for operation in OPERATIONS),
        ]
        application = Starlette(
            routes=routes,
            exception_handlers={404: self._not_found, 405: self._not_allowed, Exception: self._crashed},
        )
        application.router.redirect_slashes = False
        return application

    def _route(self, operation: Operation) -> Route:
        return CaselessRoute(
            operation.path, partial(self._requests.serve, operation), methods=[operation.method]
        )

    async def _called_back(self, request: Request) -> Response:
        """An endpoint that a WebHook activity called now calls back."""
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        if not isinstance(body, dict):
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        waited_for = self._callbacks.deliver(request.path_params["token"], body)
        return Response(status_code=HTTPStatus.OK if waited_for else HTTPStatus.NOT_FOUND)

    async def _not_found(self, request: Request, _exc: Exception) -> Response:
        if request.url.path == "/" and (led := self._page.lead_for(request)) is not None:
            return led
        return self._requests.answer_error(
            request, unknown_path(request.url.path, request.query_params.get("api-version", ""))
        )

    async def _not_allowed(self, request: Request, exc: Exception) -> Response:
        allowed = exc.headers.get("Allow", "") if isinstance(exc, HTTPException) and exc.headers else ""
        return self._requests.answer_error(request, MethodNotAllowed(request.method, allowed))

    async def _crashed(self, _request: Request, _exc: Exception) -> Response:
        return wire.service_error(InternalError())

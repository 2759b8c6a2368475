"""The emulator as one object: an ASGI application, with its start and close."""

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
from adf_trigger.emulator.arm.addresses import CloudAddresses
from adf_trigger.emulator.arm.arm_errors import MethodNotAllowed, unknown_path
from adf_trigger.emulator.arm.authorization import Authorization
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Operation
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
    """The configuration of an emulator.

    Attributes:
        data: folder of the emulator; None keeps everything in memory.
        tokens: the authority whose bearer tokens are accepted; None lets every caller do everything.
        location: region of the emulated service.
        clock: the real time; tests offset the emulator's clock from it through `/_emulator/clock`.
        ids: source of GUIDs.
        options: of the management API.
        public_url: scheme and authority for links in replies; None for those that the caller used.
        resource_groups: that exist from the start, by subscription.
        cloud: which of Azure's clouds is emulated.
        domains: domain names of the tenant, its default one first.
        authority_url: address of Entra ID for callers that do not use the cloud's own names.
        http: client of the Web activities and connectors; None creates one.
        token: tokens of the factories' managed identities, by factory id and resource; None issues them from
            `tokens`.
        surroundings: the stack around the pipelines; None for Azurite at its default ports, and none of Azure's names.
        secrets: that replace Key Vaults from the start, and again after a reset.
        console: folder of the control API's page; None for no page.
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
        clock: the emulator's clock.
        faults: the active fault rules.
        log: the received requests.
        asgi: serves the management API and `/_emulator/`, on any number of servers (see serving/protocol.py).
        backend: the emulated service.
        callback_url: scheme and authority for callbacks of WebHook activities; None for those called last.

    `start` and `close` run in the event loop that serves `asgi`.
    """

    def __init__(self, config: FactoryConfig) -> None:
        self._config = config
        self.clock = MovableClock(config.clock)
        self._tokens = config.tokens
        self._initial_options = replace(config.options)
        self.callback_url: str | None = None
        self._callbacks = PendingCallbacks(lambda: self.callback_url or self._requests.reached_at, config.ids)
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
            addresses=CloudAddresses(config.cloud, config.authority_url),
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
            addresses=self.backend.addresses,
        )
        self._page = ConsolePage(config.console)
        self._provide_groups()
        self.asgi: ASGIApp = self._application()

    async def start(self) -> None:
        """Settle the runs that had not ended when the emulator last stopped, and start the trigger scheduler."""
        self.backend.engine.resume()
        self._scheduler.start()

    async def reset(self, *, keep_resources: bool = False) -> None:
        """Remove all runs, settings and factories; `keep_resources` keeps the factories."""
        await self.backend.engine.reset()
        self.backend.store.reset(keep_resources=keep_resources)
        self._provide_groups()
        self.backend.visibility.clear()
        self.faults.clear()
        self.log.clear()
        self._buckets.clear()
        self.backend.monitoring.clear()
        self.clock.offset = timedelta()
        self.set_options(self._initial_options)
        self.backend.engine.secrets.replace(self._config.secrets)
        self.backend.triggers_changed()

    def _provide_groups(self) -> None:
        """Create the initial groups, and those of factories that an earlier version has stored."""
        location = short(self._config.location)
        self.backend.store.groups.provide(self._config.resource_groups, location)
        self.backend.store.groups.adopt(location)

    def set_options(self, options: Options) -> None:
        """Change the options, effective from now on."""
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
            Route(f"{CALLBACK_PATH}/{{token}}", self._callback, methods=["POST"]),
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

    async def _callback(self, request: Request) -> Response:
        """Deliver a callback to the WebHook activity that waits for it."""
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        if not isinstance(body, dict):
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        delivered = self._callbacks.deliver(request.path_params["token"], body)
        return Response(status_code=HTTPStatus.OK if delivered else HTTPStatus.NOT_FOUND)

    async def _not_found(self, request: Request, _exc: Exception) -> Response:
        if request.url.path == "/" and (redirect := self._page.redirect_for(request)) is not None:
            return redirect
        return self._requests.answer_error(
            request, unknown_path(request.url.path, request.query_params.get("api-version", ""))
        )

    async def _not_allowed(self, request: Request, exc: Exception) -> Response:
        allowed = exc.headers.get("Allow", "") if isinstance(exc, HTTPException) and exc.headers else ""
        return self._requests.answer_error(request, MethodNotAllowed(request.method, allowed))

    async def _crashed(self, _request: Request, _exc: Exception) -> Response:
        return wire.service_error(InternalError())

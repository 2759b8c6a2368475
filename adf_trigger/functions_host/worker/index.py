"""The app's functions, from azure.functions' own index, and the trigger of each."""

import importlib.util
import inspect
import re
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import azure.functions as func

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.errors import AppLoadError, NotSupported, SettingError

AuthLevel = Literal["anonymous", "function", "admin"]

_MODULE = "function_app"
_RETURN = "$return"
_QUEUE_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9](-?[a-z0-9])*")
_IN = func.decorators.core.BindingDirection.IN.value
_BINARY = func.DataType.BINARY.value


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """A route (without prefix), its methods (None: all) and its authorisation level."""

    route: str
    methods: frozenset[str] | None
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A queue, the setting with its account, and whether its messages are binary."""

    queue: str
    connection: str
    binary: bool


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A schedule (NCRONTAB), whether to run at start, and whether to keep its status in storage."""

    schedule: str
    run_on_startup: bool
    use_monitor: bool


Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function of the app, ready to be called.

    Attributes:
        name: unique in the app.
        call: the user's function.
        directory: folder of the file that defines it.
        parameter: name of the parameter that takes the trigger's value.
        annotation: that parameter's type, None if it has none.
        wants_context: whether it has a parameter `context`.
        trigger: of the function.
        disabled: whether the app setting AzureWebJobs.{name}.Disabled is true.
        fault: why it is in error, and therefore never started; empty if it is not.
    """

    name: str
    call: Callable[..., Any]
    directory: str
    parameter: str
    annotation: object
    wants_context: bool
    trigger: Trigger
    disabled: bool = False
    fault: str = ""

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop rather than in a thread."""
        return inspect.iscoroutinefunction(self.call)


def load_app(app: Path, settings: AppSettings) -> tuple[IndexedFunction, ...]:
    """Import function_app.py from the app's folder and index its functions, in the order of their definition.

    A function whose trigger refers to a missing `%SETTING%`, or to an invalid queue name, is in error; the others
    are not affected.

    Raises:
        AppLoadError: it cannot be imported, has no or more than one FunctionApp, or a function does not fit.
    """
    return tuple(_indexed(function, settings) for function in _functions(_import(app)))


def _import(app: Path) -> object:
    path = app / f"{_MODULE}.py"
    folder = str(app.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise AppLoadError(f"{path} does not exist")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as exc:  # whatever the app's own code raises at import
        raise AppLoadError(f"{path} cannot be imported: {type(exc).__name__}: {exc}") from exc
    return module


def _functions(module: object) -> Sequence[func.Function]:
    apps = [name for name, value in vars(module).items() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        found = "has no FunctionApp" if not apps else f"has more than one FunctionApp: {', '.join(apps)}"
        raise AppLoadError(f"{_MODULE}.py {found} at module level; there must be exactly one")
    app: func.FunctionRegister = getattr(module, apps[0])
    try:
        return app.get_functions()
    except (TypeError, ValueError) as exc:
        raise AppLoadError(f"The functions of {_MODULE}.py cannot be indexed: {exc}") from exc


def _indexed(function: func.Function, settings: AppSettings) -> IndexedFunction:
    name = str(function.get_function_name())
    call = function.get_user_function()
    binding = function.get_trigger()
    if binding is None:
        raise AppLoadError(f"The function {name} has no trigger")
    try:
        trigger, fault = _trigger(name, binding.get_dict_repr(), settings)
        annotations = typing.get_type_hints(call)
    except (KeyError, NameError) as exc:
        raise AppLoadError(f"The function {name} cannot be indexed: {exc} is missing") from exc
    _refuse_other_bindings(name, function, binding)
    if function.get_setting("retry_policy") is not None:
        raise NotSupported(f"The function {name} has a retry policy, which this host does not support")
    parameters = set(inspect.signature(call).parameters)
    if not {binding.name} <= parameters <= {binding.name, "context"}:
        raise AppLoadError(
            f"The function {name} must take {binding.name!r} and may take 'context', not {sorted(parameters)}"
        )
    return IndexedFunction(
        name=name,
        call=call,
        directory=str(Path(inspect.getfile(call)).parent),
        parameter=binding.name,
        annotation=annotations.get(binding.name),
        wants_context="context" in parameters - {binding.name},
        trigger=trigger,
        disabled=settings.enabled(f"AzureWebJobs.{name}.Disabled"),
        fault=fault,
    )


def _refuse_other_bindings(name: str, function: func.Function, trigger: object) -> None:
    for binding in function.get_bindings():
        if binding is trigger or (binding.name == _RETURN and binding.type == "http"):
            continue
        direction = "input" if binding.direction == _IN else "output"
        raise NotSupported(
            f"The function {name} has an {direction} binding {binding.name!r} of type {binding.type}; "
            "this host supports only triggers and the HTTP response"
        )


def _trigger(name: str, binding: dict[str, Any], settings: AppSettings) -> tuple[Trigger, str]:
    """A function's trigger, and why it is in error; empty if it is not."""
    faults: list[str] = []

    def resolved(text: str) -> str:
        try:
            return settings.resolve(text)
        except SettingError as exc:
            faults.append(str(exc))
            return text

    match binding["type"]:
        case "httpTrigger":
            methods = binding.get("methods")
            trigger: Trigger = HttpTrigger(
                route=binding["route"] or name,
                methods=frozenset(str(method).upper() for method in methods) if methods else None,
                auth_level=cast("AuthLevel", str(binding.get("authLevel") or "function").lower()),
            )
        case "queueTrigger":
            trigger = QueueTrigger(
                queue=resolved(binding["queueName"]).lower(),
                connection=resolved(binding.get("connection") or ""),
                binary=getattr(binding.get("dataType"), "value", None) == _BINARY,
            )
        case "timerTrigger":
            monitored = binding.get("useMonitor")
            trigger = TimerTrigger(
                schedule=resolved(binding["schedule"]),
                run_on_startup=bool(binding.get("runOnStartup")),
                use_monitor=True if monitored is None else bool(monitored),
            )
        case other:
            raise NotSupported(
                f"The function {name} has a trigger of type {other}; this host supports HTTP, queues and timers"
            )
    if isinstance(trigger, QueueTrigger) and not faults and not _QUEUE_NAME.fullmatch(trigger.queue):
        faults.append(
            f"{trigger.queue!r} is not a queue name, which has 3 to 63 lower-case letters, digits and single dashes "
            "between them"
        )
    return trigger, "; ".join(faults)

"""How the host indexes a function_app.py, and what it rejects."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.errors import AppLoadError, NotSupported
from adf_trigger.functions_host.worker.index import HttpTrigger, QueueTrigger, TimerTrigger, load_app

MakeApp = Callable[..., Path]
SETTINGS = AppSettings({"QUEUE": "Orders", "SCHEDULE": "0 */5 * * * *", "AzureWebJobs.off.Disabled": "true"})


def test_functions_are_indexed_with_their_bindings(make_app: MakeApp) -> None:
    """Routes, methods, levels, queues, schedules and settings by reference, blueprints included, in order."""
    app = make_app(
        """
        from parts import blueprint
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ADMIN)
        app.register_functions(blueprint)

        @app.route(route="things/{id:int}", methods=["GET", "DELETE"], auth_level="anonymous")
        def things(req: func.HttpRequest) -> func.HttpResponse: ...

        @app.route()
        async def bare(req, context): ...

        @app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="Store", data_type="BINARY")
        def off(msg: func.QueueMessage) -> None: ...

        @app.timer_trigger(arg_name="t", schedule="%SCHEDULE%", run_on_startup=True, use_monitor=False)
        def tick(t: func.TimerRequest) -> None: ...
        """,
        parts__py="""
        import azure.functions as func
        blueprint = func.Blueprint()

        @blueprint.function_name("from_blueprint")
        @blueprint.queue_trigger(arg_name="msg", queue_name="plain", connection="")
        def handler(msg: str) -> None: ...
        """,
    )
    functions = load_app(app, SETTINGS)
    by_name = {function.name: function for function in functions}
    assert list(by_name) == ["from_blueprint", "things", "bare", "off", "tick"]
    assert by_name["from_blueprint"].trigger == QueueTrigger("plain", "", binary=False)
    assert by_name["from_blueprint"].annotation is str
    assert by_name["things"].trigger == HttpTrigger(
        "things/{id:int}", frozenset({"GET", "DELETE"}), "anonymous"
    )
    assert by_name["bare"].trigger == HttpTrigger("bare", None, "admin")
    assert (by_name["bare"].is_async, by_name["bare"].wants_context, by_name["things"].is_async) == (
        True,
        True,
        False,
    )
    assert by_name["off"].trigger == QueueTrigger("orders", "Store", binary=True)
    assert [function.name for function in functions if function.disabled] == ["off"]
    assert by_name["tick"].trigger == TimerTrigger("0 */5 * * * *", run_on_startup=True, use_monitor=False)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = 1", "has no FunctionApp"),
        ("a = func.FunctionApp()\nb = func.FunctionApp()", "more than one FunctionApp: a, b"),
        ("a = b = func.FunctionApp()", "more than one FunctionApp"),
        ("a = func.Blueprint()", "has no FunctionApp"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
    ],
)
def test_an_app_without_exactly_one_function_app_is_rejected(
    make_app: MakeApp, code: str, reason: str
) -> None:
    """As in the worker, there must be exactly one; an exception of its import is reported and kept as the cause."""
    with pytest.raises(AppLoadError, match=reason) as refusal:
        load_app(make_app(code), SETTINGS)
    assert ("cannot be imported" in reason) == (refusal.value.__cause__ is not None)


def test_a_folder_without_function_app_is_rejected(tmp_path: Path) -> None:
    """The missing file is named."""
    with pytest.raises(AppLoadError, match=r"function_app\.py does not exist"):
        load_app(tmp_path, SETTINGS)


HTTP = '@app.route(route="x")\n'
QUEUE = '@app.queue_trigger(arg_name="m", queue_name="orders", connection="")\n'


RETRY = '@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")\n'


@pytest.mark.parametrize(
    ("decorators", "parameters", "reason"),
    [
        (
            QUEUE + '@app.queue_output(arg_name="o", queue_name="zzz", connection="")\n',
            "m, o",
            "output binding 'o'",
        ),
        (QUEUE + '@app.blob_input(arg_name="i", path="c/b", connection="")\n', "m, i", "input binding 'i'"),
        (
            HTTP + '@app.queue_output(arg_name="$return", queue_name="zzz", connection="")\n',
            "req",
            "type queue",
        ),
        ('@app.blob_trigger(arg_name="b", path="c", connection="")\n', "b", "trigger of type blobTrigger"),
        ('@app.timer_trigger(arg_name="t", schedule="* * * * *")\n' + RETRY, "t", "retry policy"),
    ],
)
def test_unsupported_functions_are_rejected_at_the_start(
    make_app: MakeApp, decorators: str, parameters: str, reason: str
) -> None:
    """Other triggers, bindings and retry policies are rejected with the function's name."""
    app = make_app(f"app = func.FunctionApp()\n{decorators}def f({parameters}): ...")
    with pytest.raises(NotSupported, match=reason) as refusal:
        load_app(app, SETTINGS)
    assert "function f " in str(refusal.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (HTTP + "def f(request): ...", "must take 'req'"),
        (HTTP + "def f(req, more): ...", "must take 'req'"),
        (HTTP + "def f(): ...", "must take 'req'"),
        (HTTP + "def f(req: 'Unknown'): ...", "cannot be indexed"),
        (HTTP + "def f(req): ...\n" + HTTP + "@app.function_name('f')\ndef g(req): ...", "unique"),
        ("@app.function_name('f')\ndef f(): ...", "does not have a trigger"),
    ],
)
def test_an_invalid_function_is_rejected(make_app: MakeApp, code: str, reason: str) -> None:
    """Unbound parameters, duplicate names, no trigger."""
    with pytest.raises(AppLoadError, match=reason):
        load_app(make_app("app = func.FunctionApp()\n" + code), SETTINGS)


@pytest.mark.parametrize(
    ("decorator", "parameter", "fault"),
    [
        (QUEUE.replace("orders", "%MY_Q%"), "m", "'%MY_Q%' does not resolve to a value."),
        (
            QUEUE.replace('connection=""', 'connection="%MY_C%"'),
            "m",
            "'%MY_C%' does not resolve to a value.",
        ),
        (QUEUE.replace("orders", "or--ders"), "m", "'or--ders' is not a queue name"),
        (QUEUE.replace("orders", "no"), "m", "3 to 63"),
        (
            '@app.timer_trigger(arg_name="t", schedule="%MY_T%")\n',
            "t",
            "'%MY_T%' does not resolve to a value.",
        ),
    ],
)
def test_an_invalid_trigger_puts_its_function_alone_in_error(
    make_app: MakeApp, decorator: str, parameter: str, fault: str
) -> None:
    """A `%NAME%` without a setting, an impossible queue name: the others are unchanged."""
    code = f"app = func.FunctionApp()\n{decorator}def f({parameter}): ...\n\n{HTTP}def g(req): ...\n"
    broken, whole = load_app(make_app(code), SETTINGS)
    assert (broken.name, whole.name, whole.fault) == ("f", "g", "")
    assert fault in broken.fault

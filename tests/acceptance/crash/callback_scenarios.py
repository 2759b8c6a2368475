"""What leads to each step of calling back who waits for the end of a run."""

from collections.abc import Callable

from tests.acceptance.crash.crashes import Crashes


def called_back(crashes: Crashes, key: str) -> None:
    """A run whose end somebody waits for, who takes the call the second time."""
    crashes.to_call_back.add(f"/{key}")
    crashes.post(key, body={"callBackUri": f"{crashes.hook}/{key}"})


def refused_with_callback(crashes: Crashes, key: str) -> None:
    """Another request under a used key, whose caller is not to be told of the first one's run."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.post(key)
    crashes.plan.write_text(plan)
    crashes.post(key, body={"parameters": {"n": 1}, "callBackUri": f"{crashes.hook}/{key}"})


def invalid_with_callback(crashes: Crashes, key: str) -> None:
    """A message that can never work, and whose sender waits to be told."""
    crashes.to_call_back.add(f"/{key}")
    crashes.send(
        {"pipeline": "pause", "requestId": key, "surprise": 1, "callBackUri": f"{crashes.hook}/{key}"}
    )


OF_CALLBACKS: dict[str, tuple[Callable[[Crashes, str], None], ...]] = {
    "callbacks.keep": (called_back, invalid_with_callback),
    "callbacks.claim": (called_back,),
    "callbacks.call": (called_back,),
    "callbacks.postpone": (called_back,),
    "callbacks.remove": (called_back,),
    "callbacks.forget": (refused_with_callback,),
}

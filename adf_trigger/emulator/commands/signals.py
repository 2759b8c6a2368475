"""The signal that ends a server, in an event loop, on any system."""

import asyncio
import signal

_NAMES = ("SIGTERM", "SIGINT", "SIGBREAK")
"""SIGBREAK is Windows's own: what a parent there can send to a process in a group of its own."""


def stop_signal() -> asyncio.Future[str]:
    """The name of the first signal that means to stop, as soon as it comes. To be called in the event loop."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def stop(name: str) -> None:
        if not told.done():
            told.set_result(name)

    for number in (signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__):
        try:
            loop.add_signal_handler(number, stop, number.name)
        except NotImplementedError:  # the event loop of Windows has none
            signal.signal(number, lambda got, _: loop.call_soon_threadsafe(stop, signal.Signals(got).name))
    return told

"""The signals that stop a server, in an event loop, on any system."""

import asyncio
import signal

_NAMES = ("SIGTERM", "SIGINT", "SIGBREAK")
"""SIGBREAK exists on Windows, where a parent can send it to a process in a separate group."""


def stop_signal() -> asyncio.Future[str]:
    """A future of the name of the first stop signal. Must be called in the event loop."""
    loop = asyncio.get_running_loop()
    received: asyncio.Future[str] = loop.create_future()

    def stop(name: str) -> None:
        if not received.done():
            received.set_result(name)

    for number in (signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__):
        try:
            loop.add_signal_handler(number, stop, number.name)
        except NotImplementedError:  # the event loop of Windows does not support it
            signal.signal(number, lambda got, _: loop.call_soon_threadsafe(stop, signal.Signals(got).name))
    return received

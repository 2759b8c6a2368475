"""What processes take of the machine: seen from outside, so that what is measured knows nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psutil

_SAMPLE_SECONDS = 0.05


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used since its start, in user and kernel mode."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


@contextmanager
def memory_samples(pid: int) -> Iterator[list[int]]:
    """Bytes of memory that a process holds, seen again and again by a thread of its own."""
    process = psutil.Process(pid)
    samples = [process.memory_info().rss]
    over = Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            samples.append(process.memory_info().rss)

    watching = Thread(target=watch)
    watching.start()
    try:
        yield samples
    finally:
        over.set()
        watching.join()

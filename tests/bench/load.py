"""The client that drives the load: keep-alive connections in threads, over plain sockets.

Cheaper than any client library, and in another process than what it measures. How much of a core it took comes with
what it measured, so that a reader can tell whether it was the bottleneck.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tests.bench.figures import BenchFailed

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer and the seconds that it took, from the first byte sent to the last byte read."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The result of a load.

    Attributes:
        answers: all of them.
        seconds: from the first request to the last answer.
        client_cores: processors that this process kept busy meanwhile; it has one at most.
    """

    answers: Sequence[Answer]
    seconds: float
    client_cores: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.seconds

    @property
    def seconds_each(self) -> list[float]:
        """How long each answer took."""
        return [answer.seconds for answer in self.answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A POST that is sent again and again.

    Attributes:
        url: absolute, by http.
        body: JSON.
        headers: built again for every request.
    """

    url: str
    body: bytes
    headers: Callable[[], Mapping[str, str]]


def drive(post: Post, *, count: int, callers: int, wanted: int) -> Load:
    """Send a request `count` times from `callers` connections, each of which waits for its answer.

    Raises:
        BenchFailed: there was no answer, or one with another status than the wanted one.
    """
    share, more = divmod(count, callers)
    counts = [share + (number < more) for number in range(callers)]
    with ThreadPoolExecutor(callers) as threads:
        used, begin = time.process_time(), time.perf_counter()
        answers = [answer for some in threads.map(lambda n: _call(post, n), counts) for answer in some]
        seconds, used = time.perf_counter() - begin, time.process_time() - used
    _check(post, answers, wanted)
    return Load(answers=answers, seconds=seconds, client_cores=used / seconds)


def drive_steadily(post: Post, *, rate: float, seconds: float, callers: int, wanted: int) -> Load:
    """Send a request at a fixed rate a second, for some time, from `callers` connections that take turns.

    A caller whose answer was late sends its next at once, so that the rate is kept over the whole.

    Raises:
        BenchFailed: there was no answer, or one with another status than the wanted one.
    """
    count = max(1, round(rate * seconds))
    begin = time.perf_counter()

    def share(number: int) -> list[Answer]:
        turns = [begin + turn / rate for turn in range(number, count, callers)]
        return _call(
            post, len(turns), before=lambda place: time.sleep(max(0.0, turns[place] - time.perf_counter()))
        )

    with ThreadPoolExecutor(callers) as threads:
        used = time.process_time()
        answers = [answer for some in threads.map(share, range(callers)) for answer in some]
        took, used = time.perf_counter() - begin, time.process_time() - used
    _check(post, answers, wanted)
    return Load(answers=answers, seconds=took, client_cores=used / took)


def _check(post: Post, answers: Sequence[Answer], wanted: int) -> None:
    for answer in answers:
        if answer.status != wanted:
            raise BenchFailed(f"{post.url} answered {answer.status} and not {wanted}: {answer.body!r}")


def _call(post: Post, count: int, before: Callable[[int], object] = lambda _: None) -> list[Answer]:
    """One caller's requests, one after the other on one connection, with something done before each."""
    url = urlsplit(post.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    connection = HTTPConnection(url.netloc, timeout=_TIMEOUT_SECONDS)
    answers = []
    try:
        for place in range(count):
            before(place)
            headers = {"Content-Type": "application/json", **post.headers()}
            begin = time.perf_counter()
            connection.request("POST", target, post.body, headers)
            response = connection.getresponse()
            body = response.read()
            answers.append(Answer(response.status, body, time.perf_counter() - begin))
    except (OSError, HTTPException) as exc:
        raise BenchFailed(f"{post.url} gave no answer: {exc!r}") from exc
    finally:
        connection.close()
    return answers

"""Rows in which an operator changes settings while requests are under way."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from adf_trigger.emulator.hosting.defaults import FACTORY_ID, RESOURCE_GROUP
from tests.chaos.callers import TIMEOUTS, Callers
from tests.chaos.hosts import Host
from tests.chaos.moving import MovingFactory
from tests.chaos.rows import Row

_SPELLED: Mapping[str, str] = {"ADF_TRIGGER_FACTORIES": FACTORY_ID.upper()}
_DROPPED: Mapping[str, str] = {
    "ADF_TRIGGER_FACTORIES": FACTORY_ID + "-other",
    "ADF_TRIGGER_REQUESTS_QUEUE": "chaos-elsewhere",
}
"""Another factory, and another queue: what is on the right one would be rejected by these settings, and rightly."""


class SettingsChanged(Row):
    """The factory leaves the settings of both hosts, and comes back, in another letter case every other time.

    Callers are given no host meanwhile. What is under way is named and found, and continues afterwards as if nothing
    had been.
    """

    name = "settings changed and back"
    kinds = ("factory dropped", "found while dropped", "named while dropped", "another letter case")
    quiet_seconds = (10.0, 20.0)
    dropped_seconds = 15.0

    def begin(self, callers: Callers) -> None:
        """Change them, again and again."""
        self._work = self._thread.submit(self._change_now_and_then, callers)

    def _change_now_and_then(self, callers: Callers) -> None:
        times = 0
        while not self._over.wait(self._dice.uniform(*self.quiet_seconds)):
            times += 1
            try:
                for host in callers.hosts:
                    host.change(_DROPPED, reachable=False)
                self.counts["factory dropped"] += 1
                self._history.note("factory_dropped")
                self._look(callers)
            finally:
                spelled = times % 2 == 1
                for host in callers.hosts:
                    host.change(_SPELLED if spelled else {})
                self.counts["another letter case"] += spelled

    def _look(self, callers: Callers) -> None:
        """What the hosts say of the factory that they do not know any more."""
        waited = 0.0
        while waited < self.dropped_seconds and not self._over.wait(1.0):
            waited += 1.0
            for host in callers.hosts:
                found = _asked(host, callers, "runs/first")
                if found is not None and found.status_code == 404:
                    raise AssertionError("a run of a factory that has left the settings is not found")
                self.counts["found while dropped"] += found is not None and found.ok
                details = _asked(host, callers, "health/details")
                named = details is not None and details.json().get("unfinishedStrangers")
                self.counts["named while dropped"] += bool(named)


class FactoryMoved(Row):
    """The factory moves to another resource group and back, and the hosts get to know one after the other."""

    name = "factory moved"
    kinds = ("factory moved", "asked where it was", "asked where it is", "one host knows")
    groups = ("moved-here", RESOURCE_GROUP)
    quiet_seconds = (8.0, 16.0)
    known_by_one_seconds = 4.0

    def before_factory(self, url: str) -> str:
        """Through a proxy that knows the factory where it is at the time."""
        self._moving = self._opened.enter_context(MovingFactory(urlsplit(url).port or 0, RESOURCE_GROUP))
        return self._moving.url

    def begin(self, callers: Callers) -> None:
        """Move it, again and again."""
        self._before = dict(self._moving.counts)
        self._work = self._thread.submit(self._move_now_and_then, callers)

    def end(self) -> None:
        """Count the calls, too."""
        self.counts["asked where it was"] += self._moving.counts[False] - self._before.get(False, 0)
        self.counts["asked where it is"] += self._moving.counts[True] - self._before.get(True, 0)
        super().end()

    def _move_now_and_then(self, callers: Callers) -> None:
        times = 0
        while not self._over.wait(self._dice.uniform(*self.quiet_seconds)):
            group = self.groups[times % 2]
            times += 1
            self._moving.group = group
            self._history.note("factory_moved", group=group)
            self.counts["factory moved"] += 1
            self._over.wait(2.0)  # the outcome is not known yet
            settings = {
                "ADF_TRIGGER_FACTORIES": FACTORY_ID.replace(f"/{RESOURCE_GROUP}/", f"/{group}/"),
                "ADF_TRIGGER_MOVED_FACTORIES": json.dumps({FACTORY_ID: "default"}),
            }
            for host in callers.hosts:
                host.change(settings)
                self.counts["one host knows"] += host is callers.hosts[0]
                self._over.wait(self.known_by_one_seconds)


def _asked(host: Host, callers: Callers, path: str) -> requests.Response | None:
    """What a host says that callers are not given; None where it does not answer."""
    try:
        return requests.get(f"{host.own_url}/api/{path}", headers=callers.headers, timeout=TIMEOUTS)
    except requests.RequestException:
        return None

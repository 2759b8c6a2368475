"""Which addresses may be called back: Data Factory's hosts by whole labels, whatever variant is tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.azure.clouds import CLOUDS
from adf_trigger.azure.public_addresses import UnsafeAddress
from adf_trigger.contracts import MAX_CALL_BACK_URI, RunRequest
from adf_trigger.service.callbacks.rules import CallbackRules

GOOD = "https://dpeastus.svc.datafactory.azure.com/dataplane/workflow/callback/1?sig=secret-part"
RULES = CallbackRules(CLOUDS["public"].callback_hosts)
EVIL = "evil.example"


@pytest.mark.parametrize(
    "uri",
    [
        GOOD,
        GOOD.replace("eastus.svc", "eastus.svc".upper()),
        GOOD.replace(".com/", ".com:443/"),
        GOOD + "&callbackUrl=https%3a%2f%2frpeastus.svc.datafactory.azure.com%2fworkflow%2fcallback%2f1",
        GOOD + "x" * (MAX_CALL_BACK_URI - len(GOOD)),
    ],
)
def test_an_address_of_data_factory_may_be_called(uri: str) -> None:
    """Any letter case, an explicit port and long addresses are accepted."""
    assert RULES.host_of(uri) == "dpeastus.svc.datafactory.azure.com"
    assert RULES.faults(RunRequest(call_back_uri=uri)) == []


@pytest.mark.parametrize(
    "uri",
    [
        # Another host that resembles it.
        f"https://{EVIL}/",
        "https://evil-dpeastus.svc.datafactory.azure.com.evil.example/",
        "https://dpeastus-svc.datafactory.azure.com/",
        "https://dpeastus.evilsvc.datafactory.azure.com/",
        "https://dpeastus.svc.evildatafactory.azure.com/",
        "https://dpeastus.svc.datafactory.azure.com.evil.example/",
        "https://evil.example/.svc.datafactory.azure.com",
        "https://evil.example?.svc.datafactory.azure.com",
        "https://svc.datafactory.azure.com/",
        "https://.svc.datafactory.azure.com/",
        "https://a.b.svc.datafactory.azure.com/",
        "https://0123456789abcd.eastus.airflow.svc.datafactory.azure.com/",
        "https://airflow.datafactory.azure.com/",
        "https://*.svc.datafactory.azure.com/",
        "https://dpeastus.svc.datafactory.azure.cn/",
        # Userinfo, which other parsers take for the host.
        "https://dpeastus.svc.datafactory.azure.com@evil.example/",
        "https://dpeastus.svc.datafactory.azure.com:443@evil.example/",
        "https://user:password@dpeastus.svc.datafactory.azure.com/",
        "https://evil.example@dpeastus.svc.datafactory.azure.com/",
        "https://@dpeastus.svc.datafactory.azure.com/",
        "https://evil.example\\@dpeastus.svc.datafactory.azure.com/",
        "https://evil.example#@dpeastus.svc.datafactory.azure.com/",
        "https://dpeastus.svc.datafactory.azure.com#@evil.example/",
        "https://evil.example%2f@dpeastus.svc.datafactory.azure.com/",
        # Hosts by IP address.
        "https://169.254.169.254/metadata/identity/oauth2/token",
        "https://168.63.129.16/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%25eth0]/",
        "https://localhost/",
        # The same name, spelled differently.
        "https://dpeastus.svc.datafactory.azure.com./",
        "https://dpeastus.svc.datafactory.azure.com../",
        "https://dpeastus。svc。datafactory。azure。com/",
        "https://dpeastus.svc.datafactory.azure.com\u3002evil.example/",
        "https://dpeast\u0443s.svc.datafactory.azure.com/",
        "https://dpeastus.svc.datafactory.azure.com\u2215@evil.example/",
        "https://dp%65astus.svc.datafactory.azure.com/",
        "https://dpeastus.svc.datafactory.azure.com%00.evil.example/",
        "https://dpeastus.svc.datafactory.azure.com\t.evil.example/",
        "https://dpeastus.svc.datafactory.azure.com\r\nHost: evil.example/",
        " https://dpeastus.svc.datafactory.azure.com/",
        # Another scheme or port.
        GOOD.replace("https", "http"),
        GOOD.replace("https", "ftp"),
        GOOD.replace("https:", ""),
        GOOD.replace("https://", "https:/"),
        GOOD.replace("https://", "https:///"),
        GOOD.replace(".com/", ".com:444/"),
        GOOD.replace(".com/", ".com:80/"),
        GOOD.replace(".com/", ".com:/"),
        GOOD.replace(".com/", ".com:4430/"),
        GOOD + "#fragment",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "dpeastus.svc.datafactory.azure.com",
        "x",
        GOOD + "x" * MAX_CALL_BACK_URI,
    ],
)
def test_no_variant_bypasses_the_list(uri: str) -> None:
    """The fault that is reported contains nothing of the address."""
    with pytest.raises(UnsafeAddress) as caught:
        RULES.host_of(uri)
    assert "secret-part" not in str(caught.value)
    assert EVIL not in str(caught.value)
    request = RunRequest.model_construct(call_back_uri=uri)
    (fault,) = RULES.faults(request)
    assert (fault.pointer, fault.message) == ("/callBackUri", str(caught.value))


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
def test_each_cloud_calls_its_own_data_factory_back(cloud: str) -> None:
    """A host of another cloud is refused."""
    hosts = {name: each.callback_hosts[0].replace("*", "dpx") for name, each in CLOUDS.items()}
    rules = CallbackRules(CLOUDS[cloud].callback_hosts)
    for name, host in hosts.items():
        if name == cloud:
            assert rules.host_of(f"https://{host}/") == host
        else:
            with pytest.raises(UnsafeAddress, match="ADF_TRIGGER_CALLBACK_HOSTS"):
                rules.host_of(f"https://{host}/")


def test_an_empty_list_allows_no_address() -> None:
    """Callbacks can be turned off in this way."""
    with pytest.raises(UnsafeAddress):
        CallbackRules([]).host_of(GOOD)


def test_this_machine_is_allowed_for_tests_alone() -> None:
    """The setting allows it in addition to the list, and allows nothing else."""
    rules = CallbackRules([], loopback=True)
    assert rules.host_of("http://127.0.0.1:8000/x") == "127.0.0.1"
    for uri in (GOOD, "http://127.0.0.2/", "http://10.0.0.1/", "http://localhost.evil.example/"):
        with pytest.raises(UnsafeAddress):
            rules.host_of(uri)
    with pytest.raises(UnsafeAddress):
        RULES.host_of("http://127.0.0.1:8000/x")


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABEL, min_size=1, max_size=8))
def test_the_star_stands_for_one_label_only(labels: list[str]) -> None:
    """Any other number of labels, or other labels behind the first, is another host."""
    host = ".".join(labels)
    wanted = len(labels) == 5 and labels[1:] == ["svc", "datafactory", "azure", "com"]
    for candidate, allowed in ((host, wanted), (f"{host}.svc.datafactory.azure.com", len(labels) == 1)):
        try:
            found = RULES.host_of(f"https://{candidate}/")
        except UnsafeAddress:
            assert not allowed
        else:
            assert allowed
            assert found == candidate


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_text_around_an_allowed_host_leads_elsewhere(before: str, after: str) -> None:
    """Whatever is put before or behind it, the address is one of the list or is refused."""
    for uri in (
        f"https://{before}dpeastus.svc.datafactory.azure.com{after}",
        f"https://{before}@dpeastus.svc.datafactory.azure.com{after}/",
    ):
        try:
            host = RULES.host_of(uri)
        except UnsafeAddress:
            continue
        assert host.endswith(".svc.datafactory.azure.com")
        assert host.count(".") == 4


def test_an_address_is_in_no_text_of_its_request() -> None:
    """Neither its log lines nor an error contains it."""
    assert "secret-part" not in repr(RunRequest(call_back_uri=GOOD))
    assert "secret-part" not in str(RunRequest(call_back_uri=GOOD))

"""Requests of our own, through http/client."""
import socket
import time
import urllib.parse

import pytest

from door import BUILD, Door, MIB, get, request, settled, upgrade
from door import fixture_door  # noqa: F401 (fixture)


# --- asking others ---

def fetch(door, url, **options):
    body = options.pop("body", None)
    query = urllib.parse.urlencode(dict(options, url=url), quote_via=urllib.parse.quote)
    return door.ask(request("POST" if body else "GET", f"/fetch?{query}", body)).json()


def test_client(door):
    base = f"http://127.0.0.1:{door.port}"
    got = fetch(door, base + "/show", bearer="tok")
    assert got["err"] == "ok" and got["status"] == 200 and '"bearer":"tok"' in got["body"]
    assert abs(got["date_ms"] / 1000 - time.time()) < 100
    got = fetch(door, base + "/echo", body=b'{"a":1}')
    assert got["body"] == '{"a":1}'
    got = fetch(door, base + "/fail?e=9")
    assert got["err"] == "ok" and got["status"] == 429 and got["retry_after_ms"] == 1000
    assert fetch(door, base + f"/bytes?n={5 * MIB}")["len"] == 5 * MIB


@pytest.mark.parametrize("path,options,cause", [
    ("/slow?ms=8000", {"timeout_ms": 200}, "timeout"),
    ("/bytes?n=100000", {"max": 50000}, "too_large"),
    ("/slow?ms=300", {"cancel": 1}, "cancelled"),
])
def test_client_that_fails(door, path, options, cause):
    assert fetch(door, f"http://127.0.0.1:{door.port}{path}", **options)["err"] == cause


def test_client_refused(door):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert fetch(door, f"http://127.0.0.1:{nobody.getsockname()[1]}/")["err"] == "unreachable"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "/show", "ftp://x/"])
def test_client_asks_nothing_but_http(door, url):
    assert fetch(door, url)["errcode"] == "M_INVALID_PARAM"


def test_client_ends_with_calls_under_way():
    with Door() as d, d.connect() as wire:
        target = urllib.parse.quote(f"http://127.0.0.1:{d.port}/never", safe="")
        wire.send(get(f"/fetch?url={target}"))
        settled(lambda: d.live()["waiting"], 1)


def test_tokens_stay_out_of_the_log():
    with Door() as d:
        fetch(d, f"http://127.0.0.1:{d.port}/fail?e=6&access_token=quiet1", bearer="quiet2")
        d.ask(get("/fail?access_token=quiet3", "Authorization: Bearer quiet4"))
        d.ask(upgrade("/ws/token?token=quiet5"))
        d.stop()
        assert "request_failed" in d.log and "quiet" not in d.log


def test_it_is_built():
    assert (BUILD / "tests" / "live" / "door_server").exists()

"""The embedded SFU and a real coturn: clients whose network lets nothing else out reach it through the relay, with a password that
Parley made; and Parley learns from it which address it is seen at."""

import os
import re
import subprocess

import pytest

import sfu_clients
from parley import build_dir
from proxies import Coturn, Site, free_udp_port
from sfu_clients import Browser
from sfu_server import Dev

pytestmark = pytest.mark.skipif(sfu_clients.missing("chromium") is not None, reason="tools/setup all installs the clients")


@pytest.fixture(name="coturn", scope="module")
def fixture_coturn(tmp_path_factory):
    """Here the SFU's address is one of those that it must not relay to anywhere else."""
    with Coturn(Site(tmp_path_factory.mktemp("turn")), "allow-loopback-peers", "allowed-peer-ip=127.0.0.1").start() as program:
        yield program
        program.stop()


@pytest.fixture(name="server", scope="module")
def fixture_server(tmp_path_factory, coturn):
    folder = tmp_path_factory.mktemp("sfu")
    secret = folder / "turn.secret"
    secret.touch(mode=0o600)
    secret.write_text(coturn.secret + "\n")
    running = Dev(folder, turn_urls=f"turn:127.0.0.1:{coturn.port}?transport=udp, turn:127.0.0.1:{coturn.port}?transport=tcp",
                  turn_secret_file=str(secret), rtc_announced_ips="", rtc_discover_ip=f"stun:127.0.0.1:{coturn.port}").start()
    yield running
    assert coturn.secret not in running.printed()
    assert running.stop() == 0


def test_the_address_is_discovered(server):
    assert re.search(r"media_listening address=127\.0\.0\.1 announced=127\.0\.0\.1$", server.printed(), re.M)


def test_who_may_use_the_relay_alone_is_seen_and_heard(server, tmp_path):
    browser = Browser("chromium", tmp_path)
    try:
        alice, bob = (browser.participant(name) for name in ("alice", "bob"))
        alice.join(server, "room", relay=True)
        bob.join(server, "room")
        for one in (alice, bob):
            one.publish("camera", "microphone")
        alice.wait_media("bob", "camera", "microphone")
        bob.wait_media("alice", "camera", "microphone")
        assert alice.look()["paths"] == ["relay"] and "relay" not in bob.look()["paths"]
    finally:
        browser.stop()


def test_nobody_says_which_address(tmp_path):
    """The port is nobody's."""
    environment = {**os.environ, "PARLEY_RTC_ANNOUNCED_IPS": "", "PARLEY_RTC_DISCOVER_IP": f"stun:127.0.0.1:{free_udp_port()}"}
    done = subprocess.run([str(build_dir() / "parley"), "serve", "--dev"], capture_output=True, text=True, timeout=60, check=False,
                          env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "did not say within 5 s which address it sees us at" in done.stderr

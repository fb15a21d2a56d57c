"""`parley doctor` and the embedded SFU: addresses that nobody reaches, ports of others, in set-ups that are broken on purpose.

Only its own checks are looked at; the others have no homeserver here, and say so.
"""
import json
import os
import pathlib
import socket
import subprocess

import pytest

from parley import build_dir, free_port
from receiver import Receiver
from turn import stun_server

ASKED = 4 << 20  # bytes: media/udp.h


def look(folder, livekit=None, turn=None, **rtc):
    """{check: [(severity, sentence, paste)]} of the checks of media."""
    rtc = {"sfu": "embedded", "public_url": "https://calls.example.com", "workers": 1, "udp_port": free_port(), "tcp_port": 0, **rtc}
    config = folder / "parley.yaml"
    config.write_text(json.dumps({"homeserver": {"url": "http://127.0.0.1:1", "name": "example.com"}, "rtc": {
        key: value if isinstance(value, list) else str(value) for key, value in rtc.items()},
        "livekit": livekit or {}, "turn": turn or {}, "database": {"url": "postgresql://127.0.0.1:1/none", "connect_timeout": "1s"}}))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    done = subprocess.run([str(build_dir() / "parley"), "doctor", "--json", "--config", str(config)], capture_output=True, timeout=120,
                          check=False, env=clean)
    return {check["id"]: [(f["severity"], f["sentence"], f.get("paste", "")) for f in check["findings"]]
            for check in json.loads(done.stdout)["checks"] if check["id"].startswith(("media-", "room-"))}


BROKEN = {
    "an example of a manual": ({"announced_ips": ["203.0.113.5=127.0.0.1"]}, "media-addresses", "fail", "203.0.113.5, where nobody",
                               '"<the public address>=127.0.0.1"'),
    "a network alone": ({"announced_ips": ["10.20.30.40=127.0.0.1"]}, "media-addresses", "warn", "outside of that network",
                        '"<the public address>=127.0.0.1"'),
    "this machine alone": ({"announced_ips": ["127.0.0.1"]}, "media-addresses", "warn", "only programs on this machine", "announced_ips"),
    "a wire alone": ({"announced_ips": ["169.254.1.1=127.0.0.1"]}, "media-addresses", "fail", "169.254.1.1, where nobody", "announced_ips"),
    "an address of another machine": ({"announced_ips": ["8.8.4.4=192.0.2.77"]}, "media-addresses", "fail",
                                      "cannot listen on 192.0.2.77", "ip -brief address"),
    "one family": ({"announced_ips": ["2001:4860::8=::1"]}, "media-addresses", "warn", "no IPv4 address is announced", "announced_ips"),
    "a port by chance": ({"announced_ips": ["127.0.0.1"], "udp_port": 0}, "media-ports", "warn", "after each start", "udp_port: 7882"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_names_what_is_broken(tmp_path, name):
    rtc, check, severity, words, paste = BROKEN[name]
    if "::1" in str(rtc) and not pathlib.Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    found = [finding for finding in look(tmp_path, **rtc)[check] if words in finding[1]]
    assert [finding[0] for finding in found] == [severity], found
    assert paste in found[0][2]


def test_finds_a_stun_server_that_does_not_answer(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = look(tmp_path, discover_ip=f"stun:127.0.0.1:{silent.getsockname()[1]}")
    severity, sentence, paste = found["media-addresses"][0]
    assert severity == "fail" and "did not say within 5 s" in sentence and "announced_ips" in paste
    assert [severity for severity, _, _ in found["media-ports"]] == ["skipped"]


def test_asks_every_relay(tmp_path):
    with stun_server() as port:
        turn = {"urls": [f"turn:127.0.0.1:{port}", "stun:127.0.0.1:1"], "secret": "not asked for"}
        assert [severity for severity, _, _ in look(tmp_path, turn=turn)["media-relays"]] == ["ok"]
        turn["urls"].append(f"turn:127.0.0.1:{free_port()}?transport=tcp")
        (severity, sentence, paste), = look(tmp_path, turn=turn)["media-relays"]
    assert severity == "warn" and "nobody listens there" in sentence and "open TCP port" in paste


@pytest.mark.parametrize("kind, setting", [(socket.SOCK_DGRAM, "udp_port"), (socket.SOCK_STREAM, "tcp_port")])
def test_finds_the_port_of_another_program(tmp_path, kind, setting):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        found = look(tmp_path, announced_ips=["8.8.4.4=127.0.0.1"], **{setting: port})
        assert [severity for severity, _, _ in found["media-addresses"]] == ["ok"]
        severity, sentence, paste = found["media-ports"][0]
        assert severity == "fail" and f"port {port} of 127.0.0.1: another program has it" in sentence
        assert paste.startswith("ss -l") and f":{port}'" in paste


def test_is_content_with_ports_that_are_free(tmp_path):
    found = look(tmp_path, announced_ips=["8.8.4.4=127.0.0.1"], tcp_port=free_port())
    assert [severity for severity, _, _ in found["media-ports"]] == ["ok"]


def test_says_what_the_kernel_gives(tmp_path):
    small = [name for name in ("rmem_max", "wmem_max") if int(pathlib.Path(f"/proc/sys/net/core/{name}").read_text()) < ASKED]
    found = look(tmp_path, announced_ips=["127.0.0.1"])["media-buffers"]
    assert [finding[0] for finding in found] == (["warn"] * len(small) or ["ok"])
    for name, (_, sentence, paste) in zip(small, found):
        assert name in sentence and f"net.core.{name} = {ASKED}" in paste and "sysctl --system" in paste


@pytest.mark.parametrize("answers, severity, words", [(200, "ok", "1 receivers of webhooks of rooms took"), (401, "fail", "with 401")])
def test_asks_the_receivers_of_news_of_rooms(tmp_path, answers, severity, words):
    receiver = Receiver().start()
    receiver.answers = answers
    try:
        found = look(tmp_path, livekit={"key": "key1", "secret": "a secret"}, webhooks=[receiver.url])["room-webhooks"]
    finally:
        receiver.stop()
    assert [finding[0] for finding in found] == [severity] and words in found[0][1]
    assert receiver.came[0].body["event"] == "ping" and receiver.came[0].headers["Authorization"].startswith("ey")


def test_news_of_rooms_must_be_signed(tmp_path):
    (severity, sentence, _), = look(tmp_path, webhooks=["http://127.0.0.1:1"])["room-webhooks"]
    assert severity == "fail" and "cannot be signed" in sentence


def test_looks_at_nothing_without_an_embedded_sfu(tmp_path):
    found = look(tmp_path, sfu="off")
    assert {severity for findings in found.values() for severity, _, _ in findings} == {"skipped"}
    assert sorted(found) == ["media-addresses", "media-buffers", "media-ports", "media-relays", "room-webhooks"]

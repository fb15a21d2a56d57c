"""`parley serve --dev` as whoever writes a client meets it: started with nothing, banner, a token that is good, and the end."""
import re
import socket
import subprocess
import time

import pytest

import sfu_clients
from parley import build_dir
from sfu_clients import node_participant, token
from sfu_server import Dev

SOON_S = 15


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    running = Dev(tmp_path).start()
    yield running
    running.stop()


def validated(server, jwt):
    return server.get(f"/rtc/validate?protocol=16&access_token={jwt}")


def test_the_banner_says_all_that_one_needs(server):
    printed = server.printed()
    assert re.search(rf"^URL: +{server.url}$", printed, re.M)
    assert re.search(r"^API key: +devkey$", printed, re.M) and re.search(r"^API secret: +secret$", printed, re.M)
    assert validated(server, server.banner_token()) == (200, "success")
    made = subprocess.run([str(build_dir() / "parley"), "token", "--dev", "--room", "r", "--identity", "me"], capture_output=True, text=True,
                          timeout=60, check=True)
    assert validated(server, made.stdout.strip()) == (200, "success")


def test_it_needs_neither_database_nor_homeserver(server):
    assert server.get("/readyz")[0] == 200
    assert "event=sfu_alone" in server.printed()
    assert not any(word in server.printed() for word in ("database_", "homeserver_", "ERROR"))


def test_it_listens_on_loopback_alone(server):
    """Where media goes, too."""
    inodes = {line.split()[9] for kind in ("tcp", "tcp6", "udp", "udp6") for line in _table(server, kind)
              if not line.split()[1].startswith(("0100007F:", "00000000000000000000000001000000:"))}
    ours = {link.split("[")[1][:-1] for link in _sockets(server)}
    assert ours & inodes == set()


def _table(server, kind):
    with open(f"/proc/{server.process.pid}/net/{kind}", encoding="ascii") as table:
        return table.read().splitlines()[1:]


def _sockets(server):
    listed = subprocess.run(["find", f"/proc/{server.process.pid}/fd", "-lname", "socket:*", "-printf", "%l\n"], capture_output=True, text=True,
                            check=True)
    assert listed.stdout != ""
    return listed.stdout.split()


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(RuntimeError) as refused:
            Dev(tmp_path, rtc_udp_port=str(port)).start()
        assert f"UDP 127.0.0.1 port {port}" in str(refused.value) and "rtc.udp_port" in str(refused.value)


def test_settings_of_its_own_are_no_file_s(tmp_path):
    done = subprocess.run([str(build_dir() / "parley"), "serve", "--dev", "--config", "/x"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and "leave --config out" in done.stderr


@pytest.mark.skipif(sfu_clients.missing() is not None, reason="tools/setup all installs the clients")
def test_who_is_there_at_the_end_is_told_to_leave(server, tmp_path):
    alice = node_participant("alice", tmp_path)
    try:
        alice.join(server, "end").publish("microphone")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < SOON_S
        assert re.search("participant=alice event=participant_left .*reason=2", server.printed()), "ROOM_SHUTDOWN"
        assert re.search("event=stopped", server.printed())
    finally:
        alice.driver.kill()


def test_a_second_start_is_as_good_as_the_first(server):
    jwt = token(server.key, server.secret, "again", "alice")
    assert validated(server, jwt)[0] == 200
    assert server.stop() == 0
    server.start()
    assert validated(server, jwt)[0] == 200, "the key is the same"


@pytest.fixture(name="patient")
def fixture_patient(tmp_path):
    """One that lets its rooms end, and somebody in a room of it."""
    running = Dev(tmp_path, rtc_drain_timeout="10m").start()
    alice = node_participant("alice", tmp_path)
    try:
        alice.join(running, "old")
        running.terminate()
        while running.get("/readyz")[0] == 200:
            time.sleep(0.02)
        yield running, alice
    finally:
        alice.driver.stop()
        running.stop()


@pytest.mark.skipif(sfu_clients.missing() is not None, reason="tools/setup all installs the clients")
def test_rooms_may_end_by_themselves(patient):
    """Told to stop, it refuses new rooms, goes on with those that are there, and ends with the last one."""
    server, alice = patient
    assert "no new ones" in str(server.get("/readyz")[1]) and server.get("/livez")[0] == 200
    assert validated(server, token(server.key, server.secret, "new", "bob"))[0] == 503
    assert validated(server, token(server.key, server.secret, "old", "bob"))[0] == 200
    assert alice.look()["state"] == "connected" and server.process.poll() is None
    alice.leave()
    assert server.process.wait(SOON_S) == 0
    assert re.search("event=rooms_drained left=nobody", server.printed())


@pytest.mark.skipif(sfu_clients.missing() is not None, reason="tools/setup all installs the clients")
def test_who_is_tired_of_waiting_says_so_again(patient):
    server, alice = patient
    server.terminate()
    assert server.process.wait(SOON_S) == 0
    assert re.search("participant=alice event=participant_left .*reason=2", server.printed()), "ROOM_SHUTDOWN"
    assert alice.name

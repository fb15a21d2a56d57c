"""turnserver.conf in a real coturn, with credentials as the homeserver makes them: who may relay, and whereto."""

import re
import socket

import pytest

from proxies import DOMAIN, PATIENCE_S, TURN, Coturn, Site
from turn import TurnClient, credential

USER = f"@alice:{DOMAIN}"


@pytest.fixture(name="site", scope="module")
def fixture_site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("turn"))


@pytest.fixture(name="coturn", scope="module")
def fixture_coturn(site):
    with Coturn(site).start() as program:
        yield program
        program.stop()
        assert program.secret not in program.output()
        assert not re.search("bad configuration|unknown|invalid|cannot (open|find) (config|cert|private)", program.output(), re.I)


def client(coturn, user=None, password=None, **options):
    name, made = credential(coturn.secret, USER)
    return TurnClient(("127.0.0.1", coturn.tls_port if "tls" in options else coturn.port), user or name, password or made, **options)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_user_of_the_homeserver_gets_a_relay(coturn, site, transport):
    options = {"udp": {}, "tcp": {"tcp": True}, "tls": {"tls": site.tls(), "tls_name": TURN}}[transport]
    with client(coturn, **options) as turn:
        assert turn.allocate() == 0
        assert 61000 <= turn.relayed[1] <= 65535
        assert turn.permit("8.8.8.8") == 0, "a public address"
        assert turn.release() == 0


def test_nobody_else_does(coturn):
    name, password = credential(coturn.secret, USER)
    late, late_password = credential(coturn.secret, USER, lifetime_s=-60)
    _, foreign = credential("another secret", USER)
    for who, user, secret in [("wrong secret", name, foreign), ("expired", late, late_password), ("no expiry", USER, password),
                              ("another's password", f"{int(name.split(':')[0]) + 1}:{USER}", password), ("made up", "x", "x")]:
        with client(coturn, user, secret) as turn:
            assert turn.allocate() == 401, who


INSIDE = ["0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1",
          "172.31.255.255", "192.0.0.8", "192.168.0.1", "192.168.255.255", "198.18.0.1", "203.0.113.5", "224.0.0.1", "239.255.255.255",
          "240.0.0.1", "255.255.255.255"]


def test_the_inside_is_out_of_reach(coturn):
    with client(coturn) as turn:
        assert turn.allocate() == 0
        for address in INSIDE:
            assert turn.permit(address) == 403, address
        for address in ["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255"]:
            assert turn.permit(address) == 0, address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.5)
            turn.send(peer.getsockname(), b"let me in")
            with pytest.raises(TimeoutError):
                peer.recv(100)


INSIDE_6 = ["::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "100::1", "2001::1",
            "2001:db8::1", "2002:a00:1::1", "fc00::1", "fd12:3456::1", "fdff:ffff::1", "fe80::1", "febf::1", "ff02::1"]


def test_nor_is_the_inside_of_ipv6(coturn):
    if not coturn.ipv6:
        pytest.skip("this machine has no IPv6")
    with client(coturn) as turn:
        assert turn.allocate(ipv6=True) == 0
        for address in INSIDE_6:
            assert turn.permit(address) in (400, 403), address
        for address in ["2606:4700::1", "2a00:1450::1", "2001:4860:4860::8888", "2003::1"]:
            assert turn.permit(address) == 0, address


def test_an_address_inside_can_be_allowed(site):
    """And then bytes go both ways."""
    lines = ("allow-loopback-peers", "allowed-peer-ip=127.0.0.1")
    with Coturn(site, *lines, name="coturn-open").start() as program, client(program) as turn, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE_S)
        assert turn.allocate() == 0
        assert turn.permit("127.0.0.1") == 0 and turn.permit("127.0.0.2") == 403
        turn.send(peer.getsockname(), b"ping")
        assert peer.recvfrom(100) == (b"ping", ("127.0.0.1", turn.relayed[1]))
        peer.sendto(b"pong", ("127.0.0.1", turn.relayed[1]))
        assert turn.receive() == b"pong"


def test_one_user_has_a_share(coturn):
    """user-quota: 16 allocations, the next one is 486."""
    name, password = credential(coturn.secret, f"@greedy:{DOMAIN}")
    clients = [client(coturn, name, password) for _ in range(17)]
    try:
        assert [turn.allocate() for turn in clients] == [0] * 16 + [486]
        with client(coturn) as other:
            assert other.allocate() == 0
    finally:
        for turn in clients:
            turn.release()
            turn.socket.close()

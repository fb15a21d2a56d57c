"""What tools/demo runs once everything is built: the whole stack, one example call, a page on which two browsers call, and what the
audit says of it all."""

import os
import pathlib
import shutil
import signal
import sys
import threading

REPO = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests" / "live"))

import demo_page  # noqa: E402
from events import SDP  # noqa: E402
from parley import free_port  # noqa: E402
from stack import Stack  # noqa: E402


def example_call(stack, alice, bob):
    """One call as two clients make it: invite, answer, select, a moment of talk, hangup."""
    room = stack.room(alice, bob)
    base = {"call_id": "example", "version": "1"}
    alice.send(room, "m.call.invite",
               dict(base, party_id="A", lifetime=60000, offer={"type": "offer", "sdp": SDP}))
    bob.send(room, "m.call.answer", dict(base, party_id="B", answer={"type": "answer", "sdp": SDP}))
    alice.send(room, "m.call.select_answer", dict(base, party_id="A", selected_party_id="B"))
    stack.wait_call(room, status="active")
    threading.Event().wait(2)
    bob.send(room, "m.call.hangup", dict(base, party_id="B", reason="user_hangup"))
    return stack.wait_call(room, status="ended")


def settings():
    """The key stays: the rows of a database of the user's own were signed with it. Media at every address of this machine."""
    return {"audit": {"key_file": REPO / ".parley" / "demo-audit.key"},
            "rtc": {"sfu": "embedded", "udp_port": 0, "tcp_port": free_port(), "workers": 1}}


def show_page(page):
    print(f"""
  Call each other: open {page.url} in a browser on this machine, "Call as alice" in one window and "Call as bob" in
  another. That is Element Call, end-to-end encrypted, with its media through Parley.""")


def show(stack, alice, bob):
    parley = stack.parley
    command = f"build/parley audit calls --config {parley.config}"
    print(f"""
  homeserver   {stack.synapse.url}      (server name {parley.server_name})
  users        {alice.user_id}, password {alice.password}
               {bob.user_id}, password {bob.password}
  Parley       {parley.public_url}/readyz       (public)
               {parley.private_url}/metrics      (private: application service, metrics)
  database     {parley.database_url}
  log          {parley.log}

  $ {command}
""")
    print(parley.run("audit", "calls"))
    print("  Ask more:  parley audit events --call example   parley audit user " + bob.user_id + "   parley audit stats")


def main():
    once = "--once" in sys.argv[1:]
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    folder = REPO / ".parley" / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Starting PostgreSQL, Synapse and Parley …", flush=True)
    stack = Stack(folder, settings=settings(), database_url=os.environ.get("PARLEY_DATABASE_URL"), focus=True)
    page = None
    try:
        alice, bob = stack.user("alice"), stack.user("bob")
        example_call(stack, alice, bob)
        missing = demo_page.why_not()
        if missing is None:
            page = demo_page.Page(folder / "page", stack, [alice, bob])
        if page is not None and once:
            print(f"  The call page: {page.check()}.", flush=True)
            stack.wait_call(page.room, kind="rtc")
        show(stack, alice, bob)
        if page is not None:
            show_page(page)
        else:
            print(f"\n  There is no page to call on, for {missing} is missing.")
        if not once:
            print("\n  Running. Ctrl-C stops everything.", flush=True)
            stopped.wait()
            print("\nStopping …", flush=True)
    finally:
        if page is not None:
            page.stop()
        stack.stop()
    print("Stopped.")


if __name__ == "__main__":
    main()

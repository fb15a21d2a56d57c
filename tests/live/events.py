"""Matrix events as clients make them and a homeserver pushes them: what the crash tests and the benches feed to Parley."""

import itertools
import time

_ids = itertools.count(1)
SDP = ("v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
       "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n")


def now_ms():
    return int(time.time() * 1000)


def event(kind, room, sender, content, state_key=None, at=None, prefix="$e", age=50):
    """One event in the client format of a transaction."""
    made = {
        "event_id": f"{prefix}{next(_ids)}:load",
        "type": kind,
        "room_id": room,
        "sender": sender,
        "user_id": sender,
        "origin_server_ts": at if at is not None else now_ms(),
        "content": content,
        "unsigned": {"age": age},
        "age": age,
    }
    if state_key is not None:
        made["state_key"] = state_key
    return made


def legacy_call(room, caller, callee, call_id, **options):
    """A whole version 1 call: invite, candidates of both, answer, select, hangup."""
    def one(kind, sender, party, **content):
        return event("m.call." + kind, room, sender, dict(content, call_id=call_id, party_id=party, version="1"), **options)
    candidates = [{"candidate": f"candidate:{n} 1 udp 2122 192.0.2.{n} 5{n}000 typ {kind}", "sdpMid": "0", "sdpMLineIndex": 0}
                  for n, kind in enumerate(("host", "srflx raddr 0.0.0.0 rport 0", "relay raddr 0.0.0.0 rport 0"), 1)]
    return [
        one("invite", caller, "A", offer={"type": "offer", "sdp": SDP}, lifetime=60000, invitee=callee),
        one("candidates", caller, "A", candidates=candidates),
        one("answer", callee, "B", answer={"type": "answer", "sdp": SDP}),
        one("candidates", callee, "B", candidates=candidates),
        one("select_answer", caller, "A", selected_party_id="B"),
        one("hangup", caller, "A", reason="user_hangup"),
    ]


def member_content(device, url="https://calls.example.com", room="!r:load", created_ts=None, expires=14400000):
    """Element Call's content of a joined member (session form)."""
    content = {
        "application": "m.call",
        "call_id": "",
        "scope": "m.room",
        "device_id": device,
        "expires": expires,
        "m.call.intent": "video",
        "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"},
        "foci_preferred": [{"type": "livekit", "livekit_service_url": url, "livekit_alias": room}],
    }
    if created_ts is not None:
        content["created_ts"] = created_ts
    return content


def member(room, user, device, joined=True, **options):
    """A MatrixRTC membership of generation A: the join, or the leave."""
    content = member_content(device, room=room) if joined else {}
    return event("org.matrix.msc3401.call.member", room, user, content, state_key=f"_{user}_{device}_m.call", **options)


def rtc_call(room, users, **options):
    """A MatrixRTC session: everybody joins, then everybody leaves."""
    return ([member(room, user, "DEV", **options) for user in users] +
            [member(room, user, "DEV", joined=False, **options) for user in users])


def message(room, sender, **options):
    """Something that is none of ours."""
    return event("m.room.message", room, sender, {"msgtype": "m.text", "body": "hello"}, **options)


def mixed(calls, prefix="$e", at_once=50, pairs=500, people=4):
    """An endless-looking mix: `calls` calls, alternately legacy ones of `pairs` pairs of people who call again and again, and
    MatrixRTC sessions in rooms of their own; `at_once` of them interleaved. Gives a list of events in which each call's own events
    keep their order."""
    queues = []
    for n in range(calls):
        if n % 2 == 0:
            pair = n // 2 % pairs
            queues.append(legacy_call(f"!pair{pair}:load", f"@caller{pair}:load", f"@callee{pair}:load", f"{prefix}call{n}",
                                      prefix=prefix))
        else:
            queues.append(rtc_call(f"!group{n}:load", [f"@user{n}_{k}:load" for k in range(people)], prefix=prefix))
    made = []
    for group in range(0, len(queues), at_once):
        lanes = [iter(queue) for queue in queues[group:group + at_once]]
        while lanes:
            for lane in list(lanes):
                try:
                    made.append(next(lane))
                except StopIteration:
                    lanes.remove(lane)
    return made


def batches(events, size=100):
    """Transactions of at most `size` events."""
    return [events[n:n + size] for n in range(0, len(events), size)]

"""A participant of a LiveKit room, in a process of its own so that it can be killed.

    client.py URL TOKEN       prints "connected", then "disconnected REASON"; SIGTERM: leaves as a client does

It has a folder of its own because the library it is made of and tests/live/livekit.py have one name.
"""

import asyncio
import signal
import sys

from livekit import rtc


async def main(url, token):
    room = rtc.Room()
    ended = asyncio.Event()

    @room.on("disconnected")
    def on_disconnected(reason):
        print("disconnected", rtc.DisconnectReason.Name(reason) if isinstance(reason, int) else reason, flush=True)
        ended.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await room.connect(url, token)
    print("connected", flush=True)
    await ended.wait()
    await room.disconnect()


asyncio.run(main(sys.argv[1], sys.argv[2]))

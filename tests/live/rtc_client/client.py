"""A participant of a LiveKit room, in a process of its own so that it can be killed.

    client.py URL TOKEN       prints "connected", then "disconnected REASON"; SIGTERM: leaves as a client does

Lines on its standard input are acts, each answered by a line of the same text:

    microphone                publishes one, with a tone
    toggle N                  mutes or unmutes it so many times

It has a folder of its own because the library it is made of and tests/live/livekit.py have one name.
"""

import asyncio
import math
import signal
import sys

from livekit import rtc

RATE, SAMPLES = 48000, 480
TONE = b"".join(int(8000 * math.sin(2 * math.pi * 500 * n / RATE)).to_bytes(2, "little", signed=True) for n in range(SAMPLES))


class Microphone:
    """500 Hz: whole periods in 10 ms."""

    def __init__(self):
        self.source = rtc.AudioSource(RATE, 1)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self.source)
        self.muted = False
        self.playing = asyncio.create_task(self.play())

    async def play(self):
        while True:
            await self.source.capture_frame(rtc.AudioFrame(TONE, RATE, 1, SAMPLES))

    def toggle(self):
        self.muted = not self.muted
        self.track.mute() if self.muted else self.track.unmute()


async def obey(room):
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    microphone = None
    while line := (await lines.readline()).decode().strip():
        what, _, times = line.partition(" ")
        if what == "microphone":
            microphone = Microphone()
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(microphone.track, options)
        else:
            for _ in range(int(times)):
                microphone.toggle()
                await asyncio.sleep(0.01)  # else the library sends the last of them alone
        print(line, flush=True)


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
    acts = asyncio.create_task(obey(room)) if sys.stdin is not None and not sys.stdin.isatty() else None
    await ended.wait()
    if acts is not None:
        acts.cancel()
    await room.disconnect()


asyncio.run(main(sys.argv[1], sys.argv[2]))

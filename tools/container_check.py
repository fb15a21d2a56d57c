"""tools/package --container-check: what an engine would do with Containerfile, by debootstrap and chroot.

Each stage begins as a fresh Debian 12; RUN runs in it, COPY copies, and in the end the program starts in the last one, by its user, with
its variables, in a network of its own, and HEALTHCHECK is asked. Needs root, debootstrap and a Debian mirror; some minutes.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/live"))

import containerfile  # noqa: E402

START_SECONDS = 60


def say(text):
    print(f"tools/package: {text}", flush=True)


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-4000:]}\ntools/package: failed: {' '.join(map(str, command))[:300]}")
    return done.stdout


def inside(root, *command):
    """A command in a stage, with the /proc that every container has; its mount goes when the command ends."""
    return ["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$@"', str(root), *map(str, command)]


def fresh(folder):
    """Debian 12 as its image has it: nothing but what is essential, and apt's own sources."""
    say("debootstrap")
    run("debootstrap", "--variant=minbase", "bookworm", folder)
    for name in ("/etc/resolv.conf", "/etc/apt/apt.conf.d", "/etc/apt/sources.list", "/etc/apt/sources.list.d"):
        source, target = pathlib.Path(name), folder / name[1:]
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)
    # A service that a package would start belongs to the machine that runs this, not to the image.
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def copy(rest, stage, stages, roots, work):
    words = rest.split()
    source_root = ROOT
    if words[0].startswith("--from="):
        names = [s.name for s in stages]
        source_root = roots[names.index(words.pop(0).removeprefix("--from="))]
    *sources, target = words
    for source in sources:
        origin = source_root / source.lstrip("/")
        place = stage / target.lstrip("/") if target.startswith("/") else stage / work.lstrip("/") / target
        if origin.is_dir():
            shutil.copytree(origin, place, dirs_exist_ok=True, symlinks=True)
        elif target.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, place)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, place)


def build(stages, roots):
    for stage, root in zip(stages, roots):
        work = "/"
        say(f"stage {stage.name or stage.image}")
        for word, rest in stage.instructions:
            if word == "WORKDIR":
                work = rest
                (root / work.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                copy(rest, root, stages, roots, work)
            elif word == "RUN":
                begin = time.monotonic()
                run(*inside(root, root, "/bin/sh", "-c", f"cd {work} && {rest}"),
                    env={**os.environ, "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
                say(f"  {rest[:80]}: {time.monotonic() - begin:.0f} s")


def try_it(stage, root):
    """Registers, starts, asks for its health, stops."""
    environment = {"PARLEY_HOMESERVER_NAME": "example.com", **stage.environment}
    user = f"--userspec={stage.user}:{stage.user}"
    program = containerfile.command(stage.all("ENTRYPOINT")[0])
    serve = program + containerfile.command(stage.all("CMD")[0])
    script = f"""
        ip link set lo up
        chroot {user} "$0" {' '.join(program)} register --url http://parley:8090 >/dev/null || exit 1
        chroot {user} "$0" {' '.join(serve)} & pid=$!
        for n in $(seq {START_SECONDS * 10}); do
            if chroot {user} "$0" "$@"; then kill $pid; wait $pid; exit; fi
            sleep 0.1
        done
        kill $pid
        exit 1"""
    check = containerfile.command(stage.all("HEALTHCHECK")[0])
    run("unshare", "--net", "bash", "-c", script, root, *check, env={**environment, "PATH": os.environ["PATH"]})
    say("the program runs and is healthy")


def main():
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("tools/package: --container-check needs root and debootstrap: apt-get install debootstrap")
    _, stages = containerfile.read()
    with tempfile.TemporaryDirectory(prefix="parley-container-") as folder:
        roots = [pathlib.Path(folder) / str(n) for n in range(len(stages))]
        fresh(roots[0])
        for root in roots[1:]:
            run("cp", "-a", roots[0], root)
        build(stages, roots)
        try_it(stages[-1], roots[-1])
    say("Containerfile is fine")


if __name__ == "__main__":
    main()

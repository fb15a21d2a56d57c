"""The steps of tools/test: builds, runs, counts.

Every program that a step starts has its own process group, a time limit and a log in .parley/logs/; a step that breaks counts as one
failed test. At the end come the names of what failed; the last line is the sum: `N passed, N failed`.
"""
import concurrent.futures
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, ".parley", "logs")
JOBS = os.cpu_count() or 2

BUILD_SECONDS = 1200
LIVE_SECONDS = 2700      # all live tests together; about half an hour on two quiet cores
GRACE_SECONDS = 60       # from "please stop" to the end of its process group
FUZZ_SECONDS = 5         # a target
VALGRIND_FACTOR = 10     # how much slower a test may be under it
TAIL_LINES = 120         # shown of a log

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--num-callers=20"]
# The suite "races".
RACES = ["tests/sim/test_threads", "tests/unit/test_core_mailbox", "tests/unit/test_livekit_witness_file",
         "tests/unit/test_media_loop", "tests/unit/test_rtc_sctp_threads"]

passed = failed = skipped = 0
broken = []              # names of what failed
running = set()
stopping = False


def say(text):
    print(text, flush=True)


def tail(path):
    """The end of a log, without the lines of what went well."""
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line for line in f.read().rstrip().split("\n") if not line.startswith(("ok ", "note: "))]
    return "\n".join("    " + line for line in lines[-TAIL_LINES:])


def end(process, first):
    """Ends a process group: with `first`, then for good."""
    for sig, seconds in ((first, GRACE_SECONDS), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, sig)
            process.wait(seconds)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def stop(*_):
    """Ctrl-C, or SIGTERM: nothing that we started stays behind."""
    global stopping
    stopping = True
    for process in list(running):
        end(process, signal.SIGINT)
    sys.exit(1)


def run(name, args, seconds, env=None, cwd=ROOT, first=signal.SIGTERM):
    """Gives (exit code, log); the exit code is None when the time was over."""
    log = os.path.join(LOGS, re.sub(r"[^\w.-]+", "-", name) + ".log")
    if stopping:
        return 1, log
    with open(log, "wb") as out:
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd,
                                   env={**os.environ, **(env or {})}, start_new_session=True)
        running.add(process)
        try:
            process.wait(seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            end(process, first)
            code = None
            out.write(f"\nended after {seconds} s\n".encode())
        if code:
            out.write(f"\nexit code {code}\n".encode())
        running.discard(process)
    return code, log


def count(name, good, bad, log=None, seconds=None):
    """Adds to the sum and says so; shows the log of what failed."""
    global passed, failed
    passed += good
    failed += bad
    took = f"  ({seconds:.1f} s)" if seconds is not None else ""
    say(f"{name}: {good} passed, {bad} failed{took}")
    if bad and log:
        broken.append(name)
        say(tail(log))


def counted(name, args, seconds, env=None):
    """Runs a program that prints `N passed, N failed`."""
    begin = time.monotonic()
    code, log = run(name, args, seconds, env)
    good, bad = counts_in(log, code)
    count(name, good, bad, log, time.monotonic() - begin)


def counts_in(log, code):
    with open(log, encoding="utf-8", errors="replace") as f:
        lines = re.findall(r"^(\d+) passed, (\d+) failed$", f.read(), re.M)
    good, bad = (sum(int(line[i]) for line in lines) for i in (0, 1))
    if code != 0 and bad == 0:
        bad = 1                       # it broke before, or behind, its count
    if code == 0 and not lines:
        good = 1
    return good, bad


# --- steps ---

def build(directory, compiler, options=(), targets=()):
    """Configures once and builds; False when that fails, which counts as a failed test."""
    begin = time.monotonic()
    code, log = 0, None
    if not os.path.exists(os.path.join(ROOT, directory, "build.ninja")):
        code, log = run(f"{directory}-setup", ["meson", "setup", directory, *options], BUILD_SECONDS, {"CC": compiler})
    if code == 0:
        code, log = run(f"{directory}-ninja", ["ninja", "-C", directory, "--quiet", "-k", "8", *targets], BUILD_SECONDS)
    say(f"{directory}: {'built' if code == 0 else 'not built'}  ({time.monotonic() - begin:.1f} s)")
    if code != 0:
        count(directory, 0, 1, log)
    return code == 0


def tests_of(directory, suite):
    done = subprocess.run(["meson", "introspect", "--tests", directory], cwd=ROOT, check=True, capture_output=True,
                          text=True)
    return [t for t in json.loads(done.stdout) if any(s.split(":")[-1] == suite for s in t["suite"])]


def suite(directory, name, title, wrapper=(), env=None, factor=1):
    """Runs the programs of one meson suite, as many at once as there are cores."""
    begin = time.monotonic()
    tests = tests_of(directory, name)

    def one(test):
        limit = (test["timeout"] or 30) * factor
        code, log = run(f"{title}-{test['name']}", [*wrapper, *test["cmd"]], limit, {**(env or {}), **test["env"]},
                        test["workdir"] or os.path.join(ROOT, directory))
        return test["name"], log, *counts_in(log, code)

    good = bad = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for test, log, more_good, more_bad in pool.map(one, tests):
            good += more_good
            bad += more_bad
            if more_bad:
                broken.append(f"{title}: {test}")
                say(f"not ok {test}\n{tail(log)}")
    if tests:
        count(title, good, bad, seconds=time.monotonic() - begin)


def live():
    """The live tests, on the build with sanitizers, in a bounded time. pytest stops what its fixtures started."""
    if not glob.glob(os.path.join(ROOT, "tests/live/test_*.py")):
        return
    global skipped
    begin = time.monotonic()
    report = os.path.join(LOGS, "live.xml")
    if os.path.exists(report):
        os.unlink(report)
    python = os.path.join(ROOT, ".parley/venv/bin/python")
    code, log = run("live", [python, "-m", "pytest", "tests/live", "-q", "-p", "no:cacheprovider",
                             "-o", "faulthandler_timeout=300", f"--junitxml={report}"],
                    LIVE_SECONDS, {**SANITIZERS, "PARLEY_BUILD": os.path.join(ROOT, "build-asan")}, first=signal.SIGINT)
    good = bad = 0
    if os.path.exists(report):
        for s in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
            wrong = int(s.get("failures")) + int(s.get("errors"))
            bad += wrong
            skipped += int(s.get("skipped"))
            good += int(s.get("tests")) - wrong - int(s.get("skipped"))
            broken.extend(f"live: {c.get('classname')}.{c.get('name')}" for c in s.iter("testcase")
                          if c.find("failure") is not None or c.find("error") is not None)
    if code != 0 and bad == 0:
        bad = 1
    count("live", good, bad, log, time.monotonic() - begin)


def style(more=()):
    counted("style", ["/usr/bin/python3", "tools/check-style", *more], 120)
    counted("style self-test", ["/usr/bin/python3", "tools/check-style", "--self-test"], 120)


def all_steps():
    style(["--headers"])
    if build("build", "cc"):
        suite("build", "unit", "unit")
        suite("build", "fuzz", "fuzz corpora")
        suite("build", "sim", "simulator")
        suite("build", "threads", "threads")
        suite("build", "scenarios", "scenarios")
        suite("build", "unit", "unit, valgrind", VALGRIND, factor=VALGRIND_FACTOR)
    if build("build-asan", "clang", ["-Db_sanitize=address,undefined", "-Db_lundef=false"]):
        suite("build-asan", "unit", "unit, sanitizers", env=SANITIZERS, factor=4)
        suite("build-asan", "fuzz", "fuzz corpora, sanitizers", env=SANITIZERS, factor=4)
        suite("build-asan", "sim", "simulator, sanitizers", env=SANITIZERS, factor=4)
        suite("build-asan", "threads", "threads, sanitizers", env=SANITIZERS, factor=4)
        suite("build-asan", "schedules", "random schedules, sanitizers", env=SANITIZERS, factor=4)
        suite("build-asan", "scenarios", "scenarios, sanitizers", env=SANITIZERS, factor=4)
        live()
    if build("build-tsan", "clang", ["-Db_sanitize=thread", "-Db_lundef=false"], RACES):
        suite("build-tsan", "races", "threads, thread sanitizer", env={"TSAN_OPTIONS": "halt_on_error=1"}, factor=4)
    counted("fuzzing", ["/usr/bin/python3", "tools/fuzz", "--seconds", str(FUZZ_SECONDS), "--seed", "1"], BUILD_SECONDS)


def unit_steps():
    style()
    if build("build", "cc"):
        suite("build", "unit", "unit")
        suite("build", "fuzz", "fuzz corpora")
        suite("build", "sim", "simulator")
        suite("build", "threads", "threads")
        suite("build", "scenarios", "scenarios")


def main():
    os.makedirs(LOGS, exist_ok=True)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    unit_steps() if sys.argv[1:] == ["unit"] else all_steps()
    for name in broken:
        say(f"failed: {name}")
    if skipped:
        say(f"note: {skipped} live tests were skipped")
    say(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())

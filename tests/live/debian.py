"""What Debian's packages say of a program."""

import os
import re
import subprocess


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=600, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def owner_of(path):
    """The package a file came with; on a merged /usr it may be listed without the /usr."""
    for name in (path, path.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"no package has {path}")


def libraries_of(program):
    """The packages of the libraries a program itself asks for."""
    needed = re.findall(r"NEEDED +(\S+)", run("objdump", "-p", program))
    paths = dict(re.findall(r"^\s*(\S+) => (\S+)", run("ldd", program), re.MULTILINE))
    return {owner_of(os.path.realpath(paths[name])) for name in needed if name in paths}

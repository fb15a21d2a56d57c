"""Reading Containerfile: stages of instructions. Standard library only: the tests and tools/container_check.py use it."""

import json
import pathlib
import re

PATH = pathlib.Path(__file__).resolve().parents[2] / "Containerfile"


class Stage:
    def __init__(self, image, name):
        self.image, self.name = image, name
        self.instructions = []      # (word, rest)

    def all(self, word):
        return [rest for known, rest in self.instructions if known == word]

    @property
    def environment(self):
        return dict(pair.split("=", 1) for rest in self.all("ENV") for pair in rest.split())

    @property
    def user(self):
        return self.all("USER")[-1] if self.all("USER") else "root"


def read():
    """Its head (the comment in front), and its stages."""
    text = PATH.read_text(encoding="utf-8")
    head = text[:text.index("\nFROM ")]
    stages = []
    for line in re.sub(r"\\\n\s*", "", text[len(head):]).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, rest = line.split(None, 1)
        if word == "FROM":
            image, *name = rest.split(" AS ")
            stages.append(Stage(image, name[0] if name else None))
        else:
            stages[-1].instructions.append((word, rest))
    return head, stages


def command(rest):
    """A command in its JSON form, behind options."""
    return json.loads(rest[rest.index("["):])

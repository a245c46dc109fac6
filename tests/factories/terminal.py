"""The `procur` command, run in this process as the installed script runs it."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from procur.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command wrote and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that a failing command with --json told."""
        assert self.code != 0, self.out
        assert "Traceback" not in self.out + self.err
        told: dict[str, Any] = self.json["error"]
        return told


@dataclass(frozen=True)
class Terminal:
    """Somebody at a terminal, with a folder."""

    home: Path

    def __call__(self, *command: str) -> Answer:
        """Run a command in the folder and return its answer."""
        return self.plain(*command, "--home", str(self.home))

    def plain(self, *command: str) -> Answer:
        """Run a command as it is written."""
        out, err = io.StringIO(), io.StringIO()
        code: Any = 0
        with (
            mock.patch.object(sys, "argv", ["procur", *command]),
            mock.patch.object(sys, "stdin", io.StringIO()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code
        return Answer(int(code or 0), out.getvalue(), err.getvalue())

    def told(self, *command: str) -> Any:
        """Run a command that has to work and return its JSON answer."""
        answer = self(*command, "--json")
        assert answer.code == 0, answer.out + answer.err
        return answer.json

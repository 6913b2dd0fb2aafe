"""What the model can do: run a command, edit a file; or, when it may only look, read one."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from agentloop.errors import CannotStartError
from agentloop.process import RUN_TAG, child_environment, run_program
from agentloop.process.logfile import Ends
from agentloop.text.quoting import plain, shorten

Permissions = Literal["read", "edit", "full"]
_MAX_OUTPUT_CHARS = 16_000
_MAX_FILE_BYTES = 4 * 1024 * 1024


class Shell(BaseModel):
    """Run a command line with bash, in the working folder.

    Each command is a process of its own: cd and variables do not last. It has no stdin. Whatever it starts ends with
    it. Of a long output the beginning and the end are shown.
    """

    command: str
    timeout_s: Annotated[float, Field(gt=0, le=3600, description="Seconds after which it is ended.")] = 300


class Edit(BaseModel):
    """Replace a text that occurs exactly once in a file, or create a file.

    The old text has to be the file's, character for character, with enough around it to be unique. An empty old text
    creates the file with the new text.
    """

    path: str
    old: str
    new: str


class Read(BaseModel):
    """Read the lines of a text file, or the names in a folder."""

    path: str
    first_line: Annotated[int, Field(ge=1)] = 1
    lines: Annotated[int, Field(ge=1, le=2000)] = 400


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to."""

    text: str
    failed: bool = False


class _RefusedError(Exception):
    """Why a call cannot be carried out, in words for the model."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools that a permission mode offers.

    Args:
        root: the working folder.
        permissions: read: files may be looked at, below the working folder. edit: commands, and edits below the working
            folder. full: edits anywhere. Commands are not confined.
    """

    root: Path
    permissions: Permissions

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """The tools as Chat Completions describes them."""
        functions = [
            {"name": name, "description": " ".join((tool.__doc__ or "").split()), "parameters": _schema(tool)}
            for name, (tool, _work) in self._tools().items()
        ]
        return [{"type": "function", "function": function} for function in functions]

    def call(self, name: str, arguments: Mapping[str, Any] | None) -> Result:
        """Carry out a call; whatever is wrong with it is said to the model.

        Raises:
            Interrupted: a signal was noted meanwhile.
        """
        tools = self._tools()
        if name not in tools:
            return Result(f"there is no tool {name!r}; there are: {', '.join(tools)}", failed=True)
        if arguments is None:
            return Result("the arguments are no JSON object", failed=True)
        tool, work = tools[name]
        try:
            return work(tool.model_validate(arguments))
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            return Result(f"the arguments are wrong: {'; '.join(problems)}", failed=True)
        except _RefusedError as refusal:
            return Result(str(refusal), failed=True)
        except (OSError, ValueError, RuntimeError) as error:  # no such file, no name for one, links in a circle
            return Result(f"it cannot be done: {error}", failed=True)

    def _tools(self) -> dict[str, tuple[type[BaseModel], Callable[[Any], Result]]]:
        if self.permissions == "read":
            return {"read": (Read, self._read)}
        return {"shell": (Shell, self._shell), "edit": (Edit, self._edit)}

    def _shell(self, call: Shell) -> Result:
        output = Ends(_MAX_OUTPUT_CHARS // 2)
        run = os.environ.get(RUN_TAG) or f"builtin-{os.getpid()}"
        try:
            exited = run_program(
                ["bash", "-c", call.command],
                cwd=self.root,
                env=child_environment(run),
                timeout_s=call.timeout_s,
                on_stdout=output.write,
            )
        except CannotStartError as error:
            raise _RefusedError(error.message) from error
        ending = f"exit code {exited.code}" if exited.signal is None else f"ended by signal {exited.signal}"
        if exited.ended_by != "itself":
            ending = f"it took longer than {call.timeout_s:g} s and was ended"
        elif exited.killed:
            ending += f"; it had left running, and that was ended: {'; '.join(exited.killed)}"
        return Result(f"{ending}\n{plain(output.text())}", failed=exited.code != 0 or exited.ended_by != "itself")

    def _edit(self, call: Edit) -> Result:
        path = self._path(call.path)
        if not call.old:
            return self._create(path, call)
        content = _text(path, call.path)
        count = content.count(call.old)
        if count != 1:
            raise _RefusedError(f"the old text has to occur exactly once in {call.path}, it occurs {count} times")
        path.write_bytes(_bytes(content.replace(call.old, call.new)))
        return Result(f"edited {call.path}")

    def _create(self, path: Path, call: Edit) -> Result:
        if path.exists():
            raise _RefusedError(f"{call.path} exists: give the old text that is to be replaced")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(call.new))
        return Result(f"created {call.path}")

    def _read(self, call: Read) -> Result:
        path = self._path(call.path)
        if path.is_dir():
            names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir())
            return Result(shorten(plain("\n".join(names)), _MAX_OUTPUT_CHARS))
        lines = _text(path, call.path).splitlines()
        shown = "\n".join(lines[call.first_line - 1 :][: call.lines])
        return Result(f"{len(lines)} lines in all\n{shorten(plain(shown), _MAX_OUTPUT_CHARS)}")

    def _path(self, name: str) -> Path:
        root = self.root.resolve()
        path = (root / name).resolve()
        is_ours = path.is_relative_to(root) and ".git" not in path.relative_to(root).parts
        if self.permissions != "full" and not is_ours:
            raise _RefusedError(f"{name} is not below the working folder {root}")
        return path


def _schema(tool: type[BaseModel]) -> dict[str, Any]:
    schema = tool.model_json_schema()
    return {"type": "object", "properties": schema["properties"], "required": schema["required"]}


def _text(path: Path, name: str) -> str:
    """The text of a file; bytes that are no text go through it unharmed."""
    if not path.is_file():
        raise _RefusedError(f"{name} is no file")
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise _RefusedError(f"{name} is larger than {_MAX_FILE_BYTES // 1024**2} MB")
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

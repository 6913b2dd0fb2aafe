"""The hook as a local one of the pre-commit framework, in `.pre-commit-config.yaml`."""

from pathlib import Path

from agentloop.errors import UsageError
from agentloop.hook import marks, yaml_places
from agentloop.hook.raw import generated_by
from agentloop.hook.ways import UNLESS_REFUSED, Here, Standing, read, taken_out, write

_CONFIG = ".pre-commit-config.yaml"
# Whoever has not got agentloop pushes as before. Verbose: the framework hides what a hook says that passes.
_ENTRY = f"""\
- repo: local
  hooks:
    - id: agentloop
      name: agentloop
      entry: sh -c 'command -v agentloop >/dev/null 2>&1 || exit 0; agentloop hook pre-push || {UNLESS_REFUSED}'
      language: system
      stages: [pre-push]
      always_run: true
      pass_filenames: false
      verbose: true"""


class PreCommit:
    """See the module."""

    name = "pre-commit"

    def is_meant(self, here: Here, /) -> bool:
        """The framework's own script is the pre-push hook: it writes over those of others."""
        return generated_by(here.hook) == self.name and _file(here).is_file()

    def install(self, here: Here) -> list[str]:
        """See `Way`."""
        file = _file(here)
        if not file.is_file():
            raise UsageError(f"{here.root} has no {_CONFIG}", hint="agentloop hook install --via raw")
        text = read(file)
        if marks.find(text):
            marks.without(text, str(file))
            return []
        before = _repos(yaml_places.parsed(text, str(file)))
        at = yaml_places.place(text, ("repos",), str(file))
        if at.missing:
            raise UsageError(f"{file} has no list of repos", hint="mend it first: pre-commit validate-config")
        new = yaml_places.inserted(text, at, marks.wrapped(_ENTRY, at.column, line_end=yaml_places.line_end(text)))
        if _repos(yaml_places.parsed(new, str(file)))[1:] != before:
            raise UsageError(
                f"{file} is written in a way that nothing can be added to", hint=f"add by hand to repos:\n{_ENTRY}"
            )
        write(file, new)
        return [f"installed: {file}, which is for you to commit", *_left_to_do(here)]

    def uninstall(self, here: Here) -> list[str]:
        """See `Way`."""
        return taken_out([_file(here)])

    def standing(self, here: Here) -> Standing | None:
        """See `Way`."""
        file = _file(here)
        return Standing(file, _left_to_do(here)) if marks.find(read(file)) else None


def _left_to_do(here: Here) -> list[str]:
    if generated_by(here.hook) == "pre-commit":
        return []
    return [f"{here.hook} is not the framework's: run pre-commit install --hook-type pre-push"]


def _file(here: Here) -> Path:
    return here.root / _CONFIG


def _repos(content: object) -> list[object]:
    repos = content.get("repos") if isinstance(content, dict) else None
    return repos if isinstance(repos, list) else []

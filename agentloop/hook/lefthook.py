"""The hook as a command of lefthook's, in the configuration that lefthook keeps for a clone alone."""

from pathlib import Path

from agentloop.errors import UsageError
from agentloop.hook import marks, yaml_places
from agentloop.hook.raw import generated_by
from agentloop.hook.ways import UNLESS_REFUSED, Here, Standing, read, taken_out, write

_LOCAL = ("lefthook-local.yml", ".lefthook-local.yml", "lefthook-local.yaml", ".lefthook-local.yaml")
_MAIN = tuple(f"{dot}lefthook.{suffix}" for dot in ("", ".") for suffix in ("yml", "yaml", "toml", "json"))
# Without `{1}`, the remote: lefthook puts it there unquoted, and an address may have quotes in it.
_COMMAND = [f"run: agentloop hook pre-push || {UNLESS_REFUSED}", "use_stdin: true"]
_PATH = ("pre-push", "commands", "agentloop")


class Lefthook:
    """See the module."""

    name = "lefthook"

    def is_meant(self, here: Here, /) -> bool:
        """Lefthook is configured here: it writes over the hooks of others."""
        return _is_configured(here)

    def install(self, here: Here) -> list[str]:
        """See `Way`."""
        if not _is_configured(here):
            raise UsageError(f"{here.root} has no lefthook.yml", hint="agentloop hook install --via raw")
        file = _file(here)
        text = read(file)
        if marks.find(text):
            marks.without(text, str(file))
            return []
        at = yaml_places.place(text, _PATH, str(file))
        if not at.missing:
            raise UsageError(f"{file} has a command agentloop that is not ours", hint="take it out")
        body = _nested(at.missing, _COMMAND)
        block = marks.wrapped(body, at.column, made_file=not file.exists(), line_end=yaml_places.line_end(text))
        new = yaml_places.inserted(text, at, block)
        if "agentloop" not in _commands(yaml_places.parsed(new, str(file))):
            raise UsageError(f"{file} is written in a way that nothing can be added to", hint="add by hand:\n" + body)
        write(file, new, 0o644)
        return [f"installed: {file}, which lefthook reads in this working tree alone", *_left_to_do(here)]

    def uninstall(self, here: Here) -> list[str]:
        """See `Way`."""
        return taken_out([_file(here)])

    def standing(self, here: Here) -> Standing | None:
        """See `Way`."""
        file = _file(here)
        return Standing(file, _left_to_do(here)) if marks.find(read(file)) else None


def _left_to_do(here: Here) -> list[str]:
    return [] if generated_by(here.hook) == "lefthook" else [f"{here.hook} is not lefthook's yet: run lefthook install"]


def _is_configured(here: Here) -> bool:
    return any((here.root / name).is_file() for name in (*_MAIN, *_LOCAL))


def _file(here: Here) -> Path:
    found = [here.root / name for name in _LOCAL if (here.root / name).exists()]
    return found[0] if found else here.root / _LOCAL[0]


def _nested(keys: tuple[str, ...], lines: list[str]) -> str:
    """The lines below the keys that lead to them."""
    heads = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    return "\n".join([*heads, *("  " * len(keys) + line for line in lines)])


def _commands(content: object) -> dict[str, object]:
    for key in _PATH[:-1]:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}

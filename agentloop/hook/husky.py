"""The hook as a part of `.husky/pre-push`, which husky runs with `sh -e`."""

from pathlib import Path

from agentloop.errors import UsageError
from agentloop.hook import marks
from agentloop.hook.ways import UNLESS_REFUSED, Here, Standing, read, taken_out, write

# Whoever has not got agentloop pushes as before; what comes after reads from the start what git says.
BODY = f"""\
if [ ! -t 0 ] && command -v agentloop >/dev/null 2>&1; then
  agentloop_said=$(cat)
  printf '%s\\n' "$agentloop_said" | agentloop hook pre-push "$@" || {UNLESS_REFUSED} || exit 1
  [ -z "$agentloop_said" ] || exec <<AGENTLOOP
$agentloop_said
AGENTLOOP
fi"""


class Husky:
    """See the module."""

    name = "husky"

    def is_meant(self, here: Here, /) -> bool:
        """Git looks for its hooks where husky has its own."""
        return _folder(here) is not None

    def install(self, here: Here) -> list[str]:
        """See `Way`."""
        folder = _folder(here)
        if folder is None:
            raise UsageError(
                "git does not run husky's hooks here: core.hooksPath is "
                + (here.hooks.told if here.hooks.told else "not set"),
                hint="run husky once (npm run prepare, or npx husky), and install again",
            )
        file = folder / "pre-push"
        text = read(file)
        if marks.find(text):
            marks.without(text, str(file))
            return []
        new = not file.exists()
        block = marks.wrapped(BODY, made_file=new, line_end="\n")
        at = text.index("\n") + 1 if text.startswith("#!") and "\n" in text else 0
        write(file, text[:at] + block + text[at:], 0o644)
        return [f"installed: {file}, which is for you to commit"]

    def uninstall(self, here: Here) -> list[str]:
        """See `Way`."""
        return taken_out([_file(here)])

    def standing(self, here: Here) -> Standing | None:
        """See `Way`."""
        file = _file(here)
        if not marks.find(read(file)):
            return None
        if _folder(here) is None:
            return Standing(file, ["git does not run husky's hooks: run npm run prepare, or npx husky"])
        missing = not (here.hooks.path / "pre-push").exists()
        return Standing(file, [f"{here.hook} is missing: run npm run prepare, or npx husky"] if missing else [])


def _folder(here: Here) -> Path | None:
    """Husky's folder, where git looks into it."""
    parts = here.hooks.path.parts
    return here.hooks.path.parent if parts[-2:] == (".husky", "_") and here.hooks.told else None


def _file(here: Here) -> Path:
    return (_folder(here) or here.root / ".husky") / "pre-push"

"""`agentloop skills lint`: hold skills against the rules."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from agentloop import config
from agentloop.cli.skills.library import print_json
from agentloop.errors import RepoError, UsageError
from agentloop.render import count
from agentloop.repo import Repo
from agentloop.skills import findings
from agentloop.skills.discovery import skills_at
from agentloop.skills.findings.fix import Mended, mend
from agentloop.skills.findings.sarif import sarif
from agentloop.text.quoting import one_line

_MAX_LINE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class _Linted:
    """A skill, what was mended in it, and what is wrong with it still."""

    folder: Path
    mended: list[Mended]
    findings: list[findings.Finding]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--lenient", is_flag=True, help="Judge skills of others: what agents get over is a warning.")
@click.option("--fix", is_flag=True, help="Mend in place what can be mended without thinking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for code scanning.")
def lint(paths: tuple[Path, ...], lenient: bool, fix: bool, as_json: bool, as_sarif: bool) -> int:
    """Hold skills against the rules; exit 1 when an error is left.

    PATHS are a SKILL.md, a skill's folder, or a folder that holds skills; without one, the repository's skills.
    """
    if as_json and as_sarif:
        raise UsageError("--json and --sarif both want to be printed", hint="ask for one of them")
    linted = []
    for folder in _folders(paths):
        mended = mend(folder) if fix else []
        linted.append(_Linted(folder, mended, findings.find(folder, lenient=lenient)))
    if as_sarif:
        root = _root()
        print_json(sarif([(_file(root, one.folder, f), f) for one in linted for f in one.findings]))
    elif as_json:
        print_json(_document(linted))
    else:
        _print(linted)
    every = [finding.severity for one in linted for finding in one.findings]
    errors = every.count("error")
    click.echo(
        f"{count(len(linted), 'skill')}, {count(errors, 'error')}, {count(every.count('warning'), 'warning')}", err=True
    )
    return 1 if errors else 0


def _folders(paths: Sequence[Path]) -> list[Path]:
    """The folders of the skills that are meant, each once."""
    if not paths:
        with Repo.open(Path.cwd()) as repo:
            return skills_at(repo.root / config.load(repo.root, {}).settings.skills_dir)
    found: dict[Path, None] = {}
    for path in paths:
        folders = skills_at(Path(os.path.abspath(path)))  # noqa: PTH100 - it takes `..` away, and follows no link
        if not folders:
            raise UsageError(
                f"{path} {_wrong(path)}", hint="name a SKILL.md, its folder, or a folder that holds skills"
            )
        found |= dict.fromkeys(folders)
    return [*found]


def _wrong(path: Path) -> str:
    if not os.path.lexists(path):
        return "does not exist"
    return "holds no skill" if os.access(path, os.R_OK) else "cannot be read"


def _root() -> Path:
    """What paths in SARIF are relative to."""
    try:
        with Repo.open(Path.cwd()) as repo:
            return repo.root
    except RepoError:
        return Path.cwd()


def _file(root: Path, folder: Path, finding: findings.Finding) -> str:
    """The file of a finding; of one about the folder, its SKILL.md."""
    path = folder.resolve() / (finding.path if finding.path != "." else "SKILL.md")
    return Path(os.path.relpath(path, root.resolve())).as_posix()


def _shown(path: Path) -> str:
    """A path as people see it: relative where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _print(linted: Sequence[_Linted]) -> None:
    for one in linted:
        folder = Path(_shown(one.folder))
        for mended in one.mended:
            click.echo(one_line(f"{folder / mended.path}: mended {mended.rule}: {mended.what}", _MAX_LINE_CHARS))
        for finding in one.findings:
            where = f"{folder / finding.path}:{finding.line}"
            what = f"{finding.severity} {finding.rule}: {finding.message}. Remedy: {finding.remedy}."
            click.echo(one_line(f"{where}: {what}", _MAX_LINE_CHARS))


def _document(linted: Sequence[_Linted]) -> dict[str, Any]:
    every = [finding.severity for one in linted for finding in one.findings]
    return {
        "version": 1,
        "errors": every.count("error"),
        "warnings": every.count("warning"),
        "skills": [
            {
                "path": _shown(one.folder),
                "findings": [asdict(finding) for finding in one.findings],
                "mended": [asdict(mended) for mended in one.mended],
            }
            for one in linted
        ],
    }

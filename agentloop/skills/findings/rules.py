"""Every rule, in one table: what the documentation, SARIF and the severities are made of.

How often a rule fires on curated skills decides what it is worth for somebody else's: what they have for good reasons
is a warning, what none of them has blocks (tests/benchmarks/corpora.py measures it).
"""

from dataclasses import dataclass

from agentloop.skills.findings.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule looks for.

    Args:
        severity: in what we write.
        lenient: in what others wrote; None when it is no business of ours there.
        summary: what it says of a skill, one line.
        remedy: what to do, where the finding itself knows nothing better.
        mended: `--fix` can mend it.
    """

    severity: Severity
    lenient: Severity | None
    summary: str
    remedy: str
    mended: bool = False


_E: Severity = "error"
_W: Severity = "warning"

FORMAT = {
    "skill-file": Rule(_E, _E, "There is no SKILL.md.", "write SKILL.md"),
    "skill-file-case": Rule(_E, _W, "SKILL.md is spelt in another case.", "rename it to SKILL.md"),
    "frontmatter": Rule(
        _E, _E, "There is no frontmatter that can be read.", "begin with ---, name and description, then ---"
    ),
    "frontmatter-end": Rule(
        _E, _W, "The frontmatter is not closed by a line of --- alone.", "close it with a line of --- alone"
    ),
    "frontmatter-yaml": Rule(
        _E, _W, "The frontmatter is no valid YAML.", "write each value as one text in double quotes", mended=True
    ),
    "unquoted-colon": Rule(
        _E, _W, "A value holds ': ' and is not quoted.", "put the value in double quotes", mended=True
    ),
    "unquoted-comment": Rule(
        _E, _W, "A value holds ' #' and is not quoted.", "put the whole text in double quotes", mended=True
    ),
    "ambiguous-scalar": Rule(
        _W, _W, "A value that other readers take for a number or a truth value.", "put it in double quotes", mended=True
    ),
    "duplicate-key": Rule(_E, _W, "A key stands twice.", "keep one of them"),
    "frontmatter-alias": Rule(_E, _W, "The frontmatter holds a YAML alias.", "write the value out", mended=True),
    "byte-order-mark": Rule(
        _E, _W, "SKILL.md begins with a byte order mark.", "save it as UTF-8 without the mark", mended=True
    ),
    "unknown-key": Rule(
        _E,
        _W,
        "A key that is not in the format.",
        "use only name, description, license, compatibility, metadata, allowed-tools",
        mended=True,
    ),
    "name-missing": Rule(_E, _W, "There is no name.", "give it a name", mended=True),
    "name-length": Rule(_E, _W, "The name is longer than 64 characters.", "use at most 64", mended=True),
    "name-format": Rule(
        _E,
        _W,
        "The name is not in lower case with hyphens.",
        "use a-z, 0-9 and single hyphens between them",
        mended=True,
    ),
    "name-folder": Rule(_E, _W, "The name is not the folder's.", "give both the same name", mended=True),
    "description-missing": Rule(_E, _W, "There is no description.", "give it a description"),
    "description-length": Rule(_E, _W, "The description is longer than 1024 characters.", "use at most 1024"),
    "compatibility": Rule(_E, _W, "compatibility is no text of 1 to 500 characters.", "shorten or drop it"),
    "metadata": Rule(_E, _W, "metadata is no map of texts.", "use key: text lines", mended=True),
    "license": Rule(_E, _W, "license is no text.", "write it as one text", mended=True),
    "allowed-tools": Rule(_E, _W, "allowed-tools is no text.", "write it as one text", mended=True),
}

AUTHORING = {
    "description-markup": Rule(_E, _W, "The description holds angle brackets.", "write it without < and >"),
    "description-trigger": Rule(
        _W,
        _W,
        "The description does not say when to use it.",
        "say when to use it, with the symptoms and the exact error texts",
    ),
    "description-symptoms": Rule(
        _W,
        None,
        "The description quotes no symptom.",
        "quote the error text, the command or the file name that the next session will see",
    ),
    "description-short": Rule(
        _W, _W, "The description is too short to be chosen by.", "say what it is and when to use it"
    ),
    "placeholder": Rule(_E, _W, "A placeholder was left in.", "write it out"),
    "narrative": Rule(
        _W,
        None,
        "It tells what happened instead of what to do.",
        "write what to do the next time; leave out when and by whom it was found",
    ),
    "link-broken": Rule(_E, _W, "A link leads nowhere.", "write the file or drop the link"),
    "link-outside": Rule(_E, _W, "A link leads out of the skill.", "link to a file of the skill"),
    "unreferenced-file": Rule(
        _W,
        _W,
        "Nothing in the skill refers to a file of it.",
        "say in SKILL.md when to use it, or leave it out",
    ),
    "fence": Rule(_E, _W, "A code fence is not closed.", "close it", mended=True),
    "body-empty": Rule(_E, _W, "There is no text after the frontmatter.", "write the skill"),
    "body-length": Rule(_E, _W, "The body has more than 500 lines.", "use at most 500"),
    "body-words": Rule(
        _W, None, "The body has more than 500 words.", "keep what a good model would get wrong without it"
    ),
}

SAFETY = {
    "secret": Rule(_E, _E, "It holds a secret.", "name the variable that holds it instead"),
    "hidden-text": Rule(_E, _E, "It holds characters that cannot be seen.", "write plain text", mended=True),
    "control-character": Rule(_E, _W, "It holds a control character.", "leave it out", mended=True),
    "encoded-payload": Rule(
        _E, _E, "It runs what it decodes first.", "write the commands in plain text, in a script of the skill"
    ),
    "encoded-blob": Rule(_E, _W, "It holds a long encoded text.", "leave it out, or write what it stands for"),
    "destructive-command": Rule(
        _E, _E, "It destroys more than a project.", "name the one folder that is to go, or leave it out"
    ),
    "credential-path": Rule(
        _E, _E, "It reads where credentials are kept.", "say which credentials are needed, not where they are kept"
    ),
    "link": Rule(_E, _E, "A file is a link or no ordinary file.", "put a copy of the file there, or leave it out"),
    "link-inside": Rule(_E, _W, "A file is a link to another of the skill.", "put a copy of the file there"),
    "binary": Rule(_E, _W, "A file is no UTF-8 text.", "leave it out"),
    "executable": Rule(_E, _E, "A file is a compiled program.", "leave it out, and say how to build or get it"),
    "stray-file": Rule(
        _E, None, "A file is hidden, a SKILL.md below the skill's own, or read as instructions.", "leave it out"
    ),
    "size": Rule(_E, _W, "It is larger than a skill should be.", "leave out what is not needed"),
    "unread": Rule(_E, _E, "A part of it was not looked at.", "leave it out"),
    "dynamic-context": Rule(
        _E, _W, "Loading the skill runs a command.", "write the command as a step, to be run when it is needed"
    ),
    "remote-image": Rule(_E, _E, "Showing an image sends data away.", "leave the image out"),
    "override": Rule(_E, _W, "It tells the agent to set its instructions aside.", "say what to do instead"),
    "concealment": Rule(_E, _W, "It tells the agent to hide something from the person.", "leave it out"),
    "comment": Rule(_E, None, "A comment is not shown.", "write it as text, or leave it out"),
    "hidden-comment": Rule(_E, _W, "A comment that is not shown gives orders.", "write it as text, or leave it out"),
    "pipe-to-shell": Rule(
        _W, _W, "It runs what it downloads.", "download it, look at it, then run it; or install a pinned version"
    ),
    "unsafe-flag": Rule(_W, _W, "It switches a check off.", "leave the flag out"),
    "drop-host": Rule(_W, _W, "It names a host that takes data from anybody.", "leave it out"),
    "broad-tools": Rule(_E, _W, "allowed-tools allows every command.", "name the commands, as in Bash(git:*)"),
}

PRIVACY = {
    "machine-path": Rule(
        _E, _W, "It names a path of one machine.", "use a path relative to the repository", mended=True
    ),
    "private-host": Rule(_E, _W, "It names a host of a private net.", "name the variable that holds it", mended=True),
    "email": Rule(_E, _W, "It holds an email address.", "leave it out", mended=True),
}

# What only the run that a draft comes from can tell.
EVIDENCE = {
    "command-not-run": Rule(
        _E,
        None,
        "A command did not run with success in the session that wrote it.",
        "run it now, by itself (not in a pipe, nor before ; or ||), as the skill writes it; or take a command that did "
        "run; or leave it out",
    ),
    "path-missing": Rule(_E, None, "A path is not in the repository.", "name a path that exists, or leave it out"),
    "script-not-run": Rule(
        _E,
        None,
        "A script did not run with success as it stands.",
        "run it here, from the draft folder, until it exits with 0; or leave it out",
    ),
    "patch": Rule(
        _E,
        None,
        "It carries the patch of the run.",
        "say how to find the place and why the change holds, in words or on an example of your own",
    ),
    "expected-value": Rule(
        _E,
        None,
        "It holds a value that the tests expect.",
        "leave the value out, or put one of your own in its place",
    ),
    "replacement": Rule(
        _E,
        None,
        "It takes the place of another skill of its name.",
        "edit a copy of that skill and keep what still holds, or take another name",
    ),
    "more-tools": Rule(
        _E,
        None,
        "It allows itself tools that the skill before it did not.",
        "leave allowed-tools out: a person decides on it",
    ),
    "duplicate": Rule(
        _E, None, "It says what another skill says already.", "update that one instead, or answer NO SKILL"
    ),
    "rejected-before": Rule(
        _E,
        None,
        "A person rejected nearly the same draft.",
        "write what the reason asks for, or answer NO SKILL",
    ),
    "budget": Rule(
        _E,
        None,
        "With it, agents cannot list all descriptions.",
        "shorten the description, or update a skill instead of adding one",
    ),
}

RULES: dict[str, Rule] = {**FORMAT, **AUTHORING, **SAFETY, **PRIVACY, **EVIDENCE}
"""By id; ids are stable."""


def broken(rule: str, path: str, line: int, message: str, remedy: str = "") -> Finding:
    """A finding of a rule, as severe as in what we write."""
    known = RULES[rule]
    return Finding(rule, known.severity, path, line, message, remedy or known.remedy)

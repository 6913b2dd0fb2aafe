"""The words we say to agents, as Markdown, to be reviewed as words."""

from importlib import resources
from string import Template


def render(name: str, **values: str) -> str:
    """Fill in a prompt; values that a prompt does not use are ignored.

    Raises:
        KeyError: a value that the prompt wants was not given.
        FileNotFoundError: there is no such prompt.
    """
    text = resources.files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(values)

"""Reading one condition: a command with its verb, a metric, a file, an address, a judge, an approval."""

import itertools
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from agentloop.errors import PredicateError
from agentloop.predicate.language import addresses, comparison, suggest
from agentloop.predicate.language.lexer import JOINS, Edits, Scope, Token
from agentloop.predicate.language.nodes import Approved, Command, FileIs, FileTest, Judge, Node, Pattern
from agentloop.predicate.language.nodes import Verb as CommandVerb
from agentloop.predicate.language.wording import quote, write_pattern

_VERBS = {"pass": "passes", "succeeds": "passes", **{verb: verb for verb in ("passes", "fails", "exits", "prints")}}
_EXPECTED = 'passes, fails, exits N, prints "text" or prints /regex/'
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def read(scope: Scope) -> Node:
    """Read the condition at the lexer's position.

    Raises:
        PredicateError: there is none, or it cannot be read.
    """
    token = scope.lexer.peek()
    special: Mapping[str, Callable[[Scope], Node]] = {
        "file": _file,
        "url": addresses.read,
        "judge": _judge,
        "approved": _approved,
    }
    if not token.quoted and token.text in special:
        return special[token.text](scope)
    return comparison.read(scope) or _command(scope)


def _file(scope: Scope) -> FileIs:
    lexer = scope.lexer
    start = lexer.next().start
    path = lexer.next()
    tests = ("exists", "contains", "matches")
    if not path.text or path.is_word(*JOINS, "(", ")", *tests):
        raise scope.error(path, "file wants a path", 'file PATH exists, contains "text" or matches /regex/')
    test = lexer.next()
    if not test.is_word(*tests):
        near = suggest.near_name(test.text, tests) if test.text not in JOINS else ""
        edits = [(test.start, test.end, near)] if near else []
        edits += [(path.end, path.end, " exists"), (start, start + 4, '"file"')]
        raise scope.error(test, "what has to be so with the file?", 'exists, contains "text" or matches /regex/', edits)
    at = lexer.skip_space()
    pattern = None if test.text == "exists" else _pattern(scope, test)
    if pattern and pattern.is_regex != (test.text == "matches"):
        wanted = "a /regex/" if test.text == "matches" else 'a "text" in quotes'
        other = write_pattern(replace(pattern, is_regex=not pattern.is_regex))
        raise scope.error(test, f"{test.text} wants {wanted}", edits=[(at, lexer.position, other)])
    return FileIs(path.text, cast(FileTest, test.text), pattern, source=scope.text_since(start))


def _judge(scope: Scope) -> Judge:
    start = scope.lexer.next().start
    question = scope.lexer.next()
    if not question.lone or not question.text.strip():
        rest = _rest_of_words(scope, question)
        edits = [(question.start, rest, quote(scope.lexer.source[question.start : rest]))] if question.text else []
        raise scope.error(question, "judge wants one question", "a question in quotes", edits)
    return Judge(question.text, source=scope.text_since(start))


def _rest_of_words(scope: Scope, first: Token) -> int:
    end, token = first.end, first
    while not token.is_end and not token.is_word(*JOINS, "(", ")"):
        end, token = token.end, scope.lexer.next()
    return end


def _approved(scope: Scope) -> Approved:
    return Approved(source=scope.lexer.next().text)


def _command(scope: Scope) -> Command:
    lexer = scope.lexer
    start = lexer.skip_space()
    words: list[Token] = []
    while True:
        token = lexer.peek()
        if words and token.is_word(*_VERBS):
            break
        if token.is_end or token.is_word(*JOINS, "(", ")"):
            return _without_verb(scope, words, token)
        words.append(lexer.next())
    verb = lexer.next()
    _refuse_words(scope, words, verb)
    name = cast(CommandVerb, _VERBS[verb.text])
    code = _exit_code(scope) if name == "exits" else 0
    pattern = _pattern(scope, verb) if name == "prints" else None
    return _made(scope, words, start, name, code, pattern)


def _made(
    scope: Scope, words: list[Token], start: int, verb: CommandVerb, code: int, pattern: Pattern | None, *,
    bare: bool = False,
) -> Command:  # fmt: skip
    shell = len(words) == 1 and words[0].lone
    if not words[0].text.strip():
        raise scope.error(words[0], "the command is empty")
    hidden = suggest.hides_failure(words[0].text, prints=verb == "prints") if shell else ""
    if hidden:
        raise scope.error(
            words[0],
            f"it can never fail: it ends in {hidden!r}, which succeeds whatever went before",
            "the command without that part: a check that cannot fail proves nothing",
        )
    argv = tuple(word.text for word in words)
    near = "" if shell else suggest.instead_of_program(argv, scope.checks, [*comparison.METRIC_UNITS, *scope.metrics])
    return Command(argv, shell, verb, code, pattern, bare=bare, near=near, source=scope.text_since(start))


def _without_verb(scope: Scope, words: list[Token], end: Token) -> Command:
    """The command that is the whole predicate, or an error."""
    lexer = scope.lexer
    if not words:
        raise scope.error(end, "a condition is wanted here", "a command and a verb, such as: pytest passes")
    _refuse_words(scope, words, end)
    if end.is_word("("):
        closing = lexer.source.find(")", end.start) + 1 or len(lexer.source)
        edits: Edits = [(end.start, closing, quote(lexer.source[end.start : closing]))]
        if lexer.source[: end.start].endswith("$"):
            edits = _quoted_whole(scope, words)
        raise scope.error(end, "a parenthesis in a command has to be quoted", edits=edits)
    if words[1:] and words[1].is_word("exists", "contains", "matches"):
        edits = [(words[0].start, words[0].start, "file "), (words[-1].end, words[-1].end, " passes")]
        raise scope.error(words[1], "the word file stands before a path", "file PATH exists, or a verb", edits)
    meant = _misspelt(words)
    if meant:
        word, verb = meant
        if words[words.index(word) - 1].is_word("not"):
            raise _not_behind(scope, words[: words.index(word)], word.end, verb)
        raise scope.error(word, f"{word.text!r} is no verb", _EXPECTED, [(word.start, word.end, verb)])
    is_whole = end.is_end and not lexer.source[: words[0].start].strip()
    if is_whole:
        _refuse_metric(scope, words)
        return _made(scope, words, words[0].start, "passes", 0, None, bare=True)
    near = suggest.near_check(words[0].text, scope.checks) if len(words) == 1 else ""
    edits = [(words[0].start, words[0].end, near)] if near else []
    edits = [*edits, (words[-1].end, words[-1].end, " passes")]
    whole = Token("", words[0].start, words[-1].end)
    raise scope.error(whole, "no verb after this command", _EXPECTED, edits)


def _misspelt(words: list[Token]) -> tuple[Token, str] | None:
    """The last word that looks like a verb, with that verb; a value behind an option is none."""
    for before, word in reversed(list(itertools.pairwise(words))):
        verb = suggest.near_verb(word.text)
        if verb and not word.quoted and not before.text.startswith("-"):
            return word, verb
    return None


def _refuse_words(scope: Scope, words: list[Token], verb: Token) -> None:
    """Refuse what an argv cannot say, or what hints at something else that was meant."""
    if words[0].is_word(*_VERBS):
        raise scope.error(words[0], "no command stands before this", "a command and a verb, such as: pytest passes")
    for word in words:
        if word.shell_at >= 0:
            raise _needs_shell(scope, words, Token("", word.shell_at, word.end))
    for word in words[1:]:
        bare = word.text.rstrip(",.;:")
        if not word.quoted and bare != word.text and bare in _VERBS:
            raise scope.error(word, f"{word.text!r} is no verb", "and, or between conditions",
                              [(word.start, word.end, f"{bare} and"), (word.start, word.end, bare)])  # fmt: skip
    if words[-1].is_word("not") and verb.text in _VERBS:
        raise _not_behind(scope, words, verb.end, _VERBS[verb.text])
    if _ASSIGNMENT.match(scope.lexer.source, words[0].start) and not words[0].lone:
        at = words[0].start
        raise scope.error(words[0], "a variable before a command needs a shell", "env, or the whole command in quotes",
                          [(at, at, "env ")])  # fmt: skip


def _refuse_metric(scope: Scope, words: list[Token]) -> None:
    """Refuse a bare command that begins as a comparison does."""
    name, last = words[0], words[-1]
    if name.quoted or name.text not in (*comparison.METRIC_UNITS, *scope.metrics):
        return
    edits = [(name.end, name.end, " >= baseline")] if last is name else []
    if last is not name:
        edits = [(name.end, last.start, f" {suggest.operator_for(word.text for word in words[1:-1])} ")]
    edits.append((last.end, last.end, " passes"))
    expected = "METRIC >= NUMBER, or a verb behind a command of that name"
    raise scope.error(name, f"{name.text} is a metric, and is compared with nothing", expected, edits)


def _not_behind(scope: Scope, words: list[Token], end: int, verb: str) -> PredicateError:
    """The error for a `not` that is the last of the words before a verb."""
    kept = words[:-1]
    while kept[1:] and kept[-1].is_word("does", "do", "did", "is"):
        kept = kept[:-1]
    edits = [(words[0].start, end, f"not {_slice(scope, kept)} {verb}")] if kept else []
    return scope.error(words[-1], "not stands before a condition", "not COMMAND VERB", edits)


def _needs_shell(scope: Scope, words: list[Token], sign: Token) -> PredicateError:
    source = scope.lexer.source
    hidden = suggest.hides_failure(source[words[0].start : words[-1].end], prints=False)
    if hidden:
        return scope.error(sign, f"it could never fail: {hidden!r} succeeds whatever went before")
    what = f"{source[sign.start : sign.end]!r} needs a shell, and words without quotes get none"
    return scope.error(sign, what, "the whole command in quotes", _quoted_whole(scope, words))


def _slice(scope: Scope, words: list[Token]) -> str:
    return scope.lexer.source[words[0].start : words[-1].end]


def _quoted_whole(scope: Scope, words: list[Token]) -> Edits:
    """The edit that puts everything up to the verb into one pair of quotes, without a verb everything."""
    lexer, start, end = scope.lexer, words[0].start, words[-1].end
    before = lexer.position
    lexer.position = end
    try:
        while not (token := lexer.peek()).is_end and not token.is_word(*_VERBS):
            end = lexer.next().end
    except PredicateError:
        return ()
    finally:
        lexer.position = before
    line = quote(lexer.source[start:end])
    return [(start, end, line), (start, end, f"{line} passes")]


def _exit_code(scope: Scope) -> int:
    token = scope.lexer.next()
    if not re.fullmatch(r"\d{1,3}", token.text, re.ASCII) or int(token.text) > 255:
        raise scope.error(token, "exits wants an exit code", "a number from 0 to 255")
    if token.text in ("126", "127"):
        raise scope.error(token, "126 and 127 say that the command could not be run, which is never a pass")
    return int(token.text)


def _pattern(scope: Scope, verb: Token) -> Pattern:
    lexer = scope.lexer
    start = lexer.skip_space()
    if lexer.source[start : start + 1] == "/":
        return _regex(scope)
    token = lexer.next()
    if token.lone and token.text:
        return Pattern(token.text)
    rest = _rest_of_words(scope, token)
    edits = [(token.start, rest, quote(lexer.source[token.start : rest]))] if token.text and not token.quoted else []
    raise scope.error(token, f"{verb.text} wants a text or a regular expression", '"text" or /regex/', edits)


def _regex(scope: Scope) -> Pattern:
    text, start, end = scope.lexer.regex()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text, re.MULTILINE)
    except re.error as error:
        at = min(start + 1 + (error.pos or 0), end - 1)
        raise scope.lexer.error(at, end, f"the regular expression cannot be read: {error.msg}") from error
    except (OverflowError, RecursionError, ValueError) as error:
        raise scope.lexer.error(start, end, f"the regular expression cannot be read: {error}") from error
    if not text:
        raise scope.lexer.error(start, end, "the regular expression is empty", expected="/regex/")
    return Pattern(text, is_regex=True)

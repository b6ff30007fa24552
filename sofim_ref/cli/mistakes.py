"""What is said of a wrong argument: one plain sentence, which names it and, for a typing error, what is nearest."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

from cyclopts import CoercionError, MissingArgumentError, UnknownCommandError, UnknownOptionError
from cyclopts.exceptions import RepeatArgumentError, UnusedCliTokensError

ONLY_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""The errors that reading can't have."""


class BadArgument(Exception):  # noqa: N818  # it is the argument that is bad
    """Raised by a command for an argument that can't be used: its name as the user writes it, and the reason.

    `main` prints it and ends with status 2.
    """

    def __init__(self, argument: str, reason: object) -> None:
        super().__init__(f"argument {argument}: {reason}")


def reason(error: BaseException) -> str:
    """Return an error's message; an OSError's as a sentence that says which file could not be read or written."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    doing = "write" if error.errno in ONLY_WRITING else "read or write"
    file = repr(str(error.filename)) if error.filename else "what is to be written"
    return f"can't {doing} {file}: {error.strerror}."


def sentence(error: Exception, commands: Iterable[str]) -> str:
    """Return what is wrong with the command line, in a sentence."""
    match error:
        case UnknownOptionError(token=token, argument_collection=options) if token.keyword or token.value:
            given = (token.keyword or token.value).partition("=")[0]
            known = [name for option in options for name in option.names if name.startswith("--")]
            said = f"there is no option {given!r}.{_nearest(given, known)}"
        case UnknownCommandError(unused_tokens=[given, *_]):
            said = f"there is no command {given!r}: it must be one of {', '.join(commands)}.{_nearest(given, commands)}"
        case MissingArgumentError():
            said = f"argument {_name(error)}: a value is required."
        case RepeatArgumentError(token=token):
            said = f"argument {token.keyword}: may be given once only."
        case UnusedCliTokensError(unused_tokens=tokens) if tokens:
            said = f"there are arguments too many: {' '.join(tokens)}"
        case CoercionError(msg=msg) if msg is not None:
            said = f"argument {_name(error)}: {msg}"
        case _:
            said = str(error)
    return said


def _name(error: MissingArgumentError | CoercionError) -> str:
    """Return an argument as the user writes it: ``--steps``, ``FOLDER``."""
    token = getattr(error, "token", None)
    keyword = getattr(token, "keyword", None) or getattr(error, "keyword", None)
    if keyword or error.argument is None:
        return str(keyword or "")
    option = error.argument.field_info.is_keyword_only
    return error.argument.name if option else error.argument.name.lstrip("-").upper()


def _nearest(given: str, known: Iterable[str]) -> str:
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower(), names, n=1)
    return f" Did you mean {names[close[0]]!r}?" if close else ""

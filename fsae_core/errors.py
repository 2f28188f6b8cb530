"""The one exception that is meant to be read by a user."""

__all__ = ["UserError", "short_reason"]


class UserError(ValueError):
    """Something a user can put right.

    Its message is one sentence: what was found, what was expected and what to do, with the file's name. A
    notebook shows that sentence without the calls that led to it.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def short_reason(error: Exception) -> str:
    """What another library's exception says, on one line of at most 120 characters, to be quoted."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."

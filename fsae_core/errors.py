"""The one exception that is meant to be read by a user."""

__all__ = ["UserError"]


class UserError(ValueError):
    """Something a user can put right.

    Its message is one sentence: what was found, what was expected and what to do, with the file's name.
    """

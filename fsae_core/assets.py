"""Where the shipped files are, and where files that can be made again are kept."""

__all__ = ["asset_path", "cache_dir"]

from contextlib import suppress
from pathlib import Path

from fsae_core.errors import UserError

_PACKAGE = Path(__file__).resolve().parent


def asset_path(*parts: str) -> Path:
    """Path of a shipped file: in the checkout's ``assets/``, else in the copy that a wheel carries.

    Raises UserError when this installation does not have it.
    """
    checkout = _PACKAGE.parent
    roots = [_PACKAGE / "_assets"]
    # Only a checkout has a pyproject beside the package: in site-packages "assets" may be anybody's.
    if (checkout / "pyproject.toml").is_file():
        roots.insert(0, checkout / "assets")
    for root in roots:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise UserError(
        f"The shipped file {'/'.join(parts)} was not found in {roots[0]}: "
        "install the package again from a complete clone or wheel."
    )


def cache_dir() -> Path:
    """The user's cache folder of this project; made when it is not there and the disk can be written to."""
    import platformdirs

    path = Path(platformdirs.user_cache_dir("field-space-explorer", appauthor=False))
    with suppress(OSError):  # what would be kept there can be made again
        path.mkdir(parents=True, exist_ok=True)
    return path

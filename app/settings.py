"""What whoever runs the server may set by environment variables, read once, when it starts."""

from __future__ import annotations

__all__ = ["Settings", "read_settings", "settings"]

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from fsae_core.errors import UserError

_HOST = re.compile(r"[a-zA-Z0-9*.\[\]:-]+")


@dataclass(frozen=True)
class Settings:
    """max_upload_mb: of a visitor's own file. max_sessions: open pages of one process. max_job_seconds: of a
    piece of long work. grace_seconds: that a server which is told to stop gives running work. hosts: names by
    which browsers may know the server (empty: see `app.server`). json_logs: one JSON object a line.
    health_detail: the health answer says how many documents are alive."""

    max_upload_mb: int = 200
    max_sessions: int = 100
    max_job_seconds: int = 1800
    grace_seconds: int = 10
    hosts: tuple[str, ...] = ()
    json_logs: bool = False
    health_detail: bool = False


def read_settings(environment: Mapping[str, str]) -> Settings:
    """UserError for a value that cannot be."""
    plain = Settings()
    hosts = tuple(h.strip() for h in environment.get("FSAE_HOSTS", "").split(",") if h.strip())
    for host in hosts:
        if not _HOST.fullmatch(host) or host == "*":
            raise UserError(
                f"FSAE_HOSTS names {host[:60]!r}, expected hosts as browsers write them, with commas "
                "between: climate.example.org,localhost:5006."
            )
    return Settings(
        max_upload_mb=_whole(environment, "FSAE_MAX_UPLOAD_MB", plain.max_upload_mb, 1, 100_000),
        max_sessions=_whole(environment, "FSAE_MAX_SESSIONS", plain.max_sessions, 1, 100_000),
        max_job_seconds=_whole(environment, "FSAE_MAX_JOB_SECONDS", plain.max_job_seconds, 1, 10**6),
        grace_seconds=_whole(environment, "FSAE_GRACE_SECONDS", plain.grace_seconds, 0, 3600),
        hosts=hosts,
        json_logs=_one_of(environment, "FSAE_LOG", "text", "json") == "json",
        health_detail=_one_of(environment, "FSAE_HEALTH_DETAIL", "0", "1") == "1",
    )


def _whole(environment: Mapping[str, str], name: str, usual: int, low: int, high: int) -> int:
    said = environment.get(name, "").strip()
    if not said:
        return usual
    if not (said.isascii() and said.isdigit() and low <= int(said) <= high):
        raise UserError(
            f"{name} is {said[:60]!r}, expected a whole number from {low} to {high}: change it or leave it "
            f"out ({usual})."
        )
    return int(said)


def _one_of(environment: Mapping[str, str], name: str, *words: str) -> str:
    said = environment.get(name, "").strip() or words[0]
    if said not in words:
        raise UserError(f"{name} is {said[:60]!r}, expected {' or '.join(words)}: change it or leave it out.")
    return said


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Of this process."""
    return read_settings(os.environ)

"""Settings come from the environment; what cannot be is refused in one sentence when the server starts."""

import re
import subprocess
from pathlib import Path

import pytest
from running import PANEL, ROOT

from app.settings import Settings, read_settings
from fsae_core.errors import UserError


def test_nothing_set_is_the_usual():
    assert read_settings({}) == Settings() == read_settings({"FSAE_MAX_SESSIONS": " ", "FSAE_HOSTS": ""})


def test_each_is_read():
    said = {
        "FSAE_MAX_UPLOAD_MB": "5",
        "FSAE_MAX_SESSIONS": " 7 ",
        "FSAE_MAX_JOB_SECONDS": "9",
        "FSAE_GRACE_SECONDS": "0",
        "FSAE_HOSTS": "climate.example.org, localhost:5006",
        "FSAE_LOG": "json",
        "FSAE_HEALTH_DETAIL": "1",
    }
    assert read_settings(said) == Settings(5, 7, 9, 0, ("climate.example.org", "localhost:5006"), True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FSAE_MAX_UPLOAD_MB", "0"),
        ("FSAE_MAX_SESSIONS", "many"),
        ("FSAE_MAX_SESSIONS", "1.5"),
        ("FSAE_MAX_JOB_SECONDS", "-1"),
        ("FSAE_GRACE_SECONDS", "99999"),
        ("FSAE_LOG", "xml"),
        ("FSAE_HEALTH_DETAIL", "yes"),
        ("FSAE_HOSTS", "*"),
        ("FSAE_HOSTS", "https://climate.example.org/"),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: str):
    with pytest.raises(UserError, match=name) as said:
        read_settings({name: value})
    assert value in str(said.value) and "expected" in str(said.value)


def test_the_server_does_not_start_with_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FSAE_MAX_SESSIONS", "many")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run(
        [*PANEL, "serve", "app/", "--port", "0"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    lines = done.stderr.strip().splitlines()
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "FSAE_MAX_SESSIONS is 'many'" in lines[-1]


def test_the_readme_names_every_setting_and_what_it_is_without():
    readme = (Path(ROOT) / "README.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(FSAE_\w+)` \| ([^|]+?) \|", readme, re.M))
    source = (Path(ROOT) / "app" / "settings.py").read_text(encoding="utf-8")
    assert set(table) == set(re.findall(r'"(FSAE_\w+)"', source))
    usual = Settings()
    numbers = {
        "FSAE_MAX_UPLOAD_MB": usual.max_upload_mb,
        "FSAE_MAX_SESSIONS": usual.max_sessions,
        "FSAE_MAX_JOB_SECONDS": usual.max_job_seconds,
        "FSAE_GRACE_SECONDS": usual.grace_seconds,
    }
    assert {name: table[name] for name in numbers} == {name: str(value) for name, value in numbers.items()}

"""What computes never imports what shows."""

import ast
from pathlib import Path

import pytest

import app

UI = {"panel", "bokeh", "holoviews", "datashader"}
PLANS = (
    "archive_choice",
    "atlases",
    "binding",
    "block_mean",
    "bookmarks",
    "cold",
    "colours",
    "compare_export",
    "compare_fields",
    "compare_methods",
    "compare_state",
    "compare_tables",
    "compress_state",
    "ensemble_drawing",
    "ensemble_export",
    "ensemble_fields",
    "ensemble_reference",
    "ensemble_state",
    "ensemble_store",
    "ensemble_words",
    "export",
    "fitting",
    "group_chance",
    "jobs",
    "lasso",
    "latent_export",
    "latent_layout",
    "latent_pictures",
    "latent_state",
    "latent_words",
    "latest",
    "layout",
    "logs",
    "method_colours",
    "own_data",
    "page_words",
    "picture",
    "places",
    "projection",
    "quantities",
    "resolve",
    "scratch",
    "settings",
    "sharp_field",
    "sphere_view",
    "state",
    "still",
    "store",
    "thumbnails",
    "view_region",
    "leaf_outlines",
    "wind_arrows",
    "words",
    "zoom_export",
    "zoom_scene",
    "zoom_state",
    "zoom_table",
    "zoom_view",
    "zoom_words",
)
FOLDER = Path(app.__file__).parent


@pytest.mark.parametrize("name", PLANS)
def test_plans_do_not_import_the_ui(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    found = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if isinstance(node, ast.Import) or node.module
    }
    assert not found & UI


def test_plans_import_no_module_that_shows():
    shown = {path.stem for path in FOLDER.glob("*.py")} - set(PLANS) - {"__init__"}
    for name in PLANS:
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert not [other for other in shown if f"app.{other} " in text or f"import {other}\n" in text], name

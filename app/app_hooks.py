"""Read by `panel serve app/` before it makes the server (Bokeh looks for a file of this name)."""

from app.serving import prepare

prepare()

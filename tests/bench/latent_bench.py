"""How fast the Latent page answers with thirteen and with fifty thousand compressed fields.

``pytest tests/bench/latent_bench.py -s``. In Chromium, server warm: from the request until the map of times
is live (its fields follow); from a click on the map until the field of that time is on the screen; a turn of
the wheel until the points are drawn anew.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from latent_samples import days, many_times

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
REACH = {"interactive": 1500.0, "click to field": 200.0}
CLICKS, VISITS = 12, 6
SETUP = """() => {
  const views = Object.values(Bokeh.index.roots ?? Bokeh.index)
  const find = (name) => {
    const place = views.find((v) => v.model.name === name)
    return place.model.type === "Column" ? place.child_views[0] : place
  }
  const map = find("map"), field = find("field")
  const box = (map.el ?? map).getBoundingClientRect()
  const frame = map.frame.bbox
  const told = (model, key) => model.properties.data.change.connect(() => {
    requestAnimationFrame(() => requestAnimationFrame(() => { window.came[key] = performance.now() }))
  })
  window.came = {}
  told(field.model.renderers[1].data_source, "field")
  const images = map.model.renderers.filter((r) => r.glyph.type === "Image")
  images.forEach((r) => told(r.data_source, "points"))
  return [box.x + frame.left, box.y + frame.top, frame.width, frame.height]
}"""


def took(page, key, act) -> float:
    """Milliseconds from an action of the pointer to what it brings on the screen."""
    page.evaluate("key => { delete window.came[key]; window.began = performance.now() }", key)
    act()
    page.wait_for_function("key => window.came[key] !== undefined", arg=key)
    return page.evaluate("key => window.came[key] - window.began", key)


def answers(browser, url: str) -> dict[str, list[float]]:
    out: dict[str, list[float]] = {"interactive": [], "click to field": [], "points after wheel": []}
    for visit in range(1 + VISITS):
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        page.goto(url, wait_until="commit")
        page.wait_for_function("document.body?.dataset.ready === 'true'", polling="raf")
        if visit:
            out["interactive"].append(page.evaluate("performance.now()"))
        if visit < VISITS:
            page.context.close()
    page.wait_for_selector("body[data-complete=true]")
    page.wait_for_timeout(1500)
    x, y, width, height = page.evaluate(SETUP)
    rng = np.random.default_rng(4)
    for _ in range(40):
        if len(out["click to field"]) == CLICKS:
            break
        u, v = rng.uniform(0.42, 0.58, 2)
        before = page.url
        start = (x + u * width, y + v * height)
        page.mouse.move(*start)
        page.wait_for_timeout(400)
        page.evaluate("delete window.came.field; window.began = performance.now()")
        page.mouse.click(*start)
        page.wait_for_timeout(1200)
        if page.url != before and page.evaluate("window.came.field !== undefined"):
            out["click to field"].append(page.evaluate("window.came.field - window.began"))
    for _ in range(8):
        page.mouse.move(x + width / 2, y + height / 2)
        out["points after wheel"].append(took(page, "points", lambda: page.mouse.wheel(0, -60)))
        page.wait_for_timeout(500)
    page.context.close()
    return out


@pytest.mark.bench
@pytest.mark.parametrize(("count", "step"), [(13_000, 1), (50_000, 1)])
def test_many_compressed_fields(tmp_path, count, step):
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    first = np.datetime64("1978-06-01")
    many_times(tmp_path, "days", days(str(first), str(first + count)))
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "panel", "serve", "app/", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "FSAE_ATLASES": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}/app?page=latent&archive=days&map=deseasonalised"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=120).read()
                break
            except OSError:
                time.sleep(0.3)
        with sync_playwright() as driver:
            flags = ["--headless", "--no-sandbox", "--disable-gpu"]
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
            got = answers(browser, url)
            browser.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
    print(f"\n{count} compressed fields; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, times in got.items():
        reach = f" (reach {REACH[name]:.0f} ms)" if name in REACH else ""
        print(f"{name}: median {np.median(times):.0f} ms, worst {max(times):.0f} ms{reach}")
    assert len(got["click to field"]) >= CLICKS // 2

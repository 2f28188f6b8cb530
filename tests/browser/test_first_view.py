"""The first seconds of a visit: what is seen, and that nothing moves when the rest comes."""

import io

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
QUERY = "time=2026-03-30T03:00"
PATIENCE_MS = 240_000
BOXES = """() => {
  const nodes = [...document.querySelectorAll(".pane, .plot, .stack, .headline, .figures")]
  return Object.fromEntries(nodes.map((node, i) => {
    const {x, y, width, height} = node.getBoundingClientRect()
    return [`${i} ${node.id || node.className}`, [x, y, width, height]]
  }))
}"""
REMEMBER = f"""
const boxes = {BOXES}
window.boxes = []
new MutationObserver(() => {{
  if (document.getElementById("toasts") && window.boxes.length === 0) window.boxes.push(boxes())
  if (document.body?.dataset.ready && window.boxes.length === 1) window.boxes.push(boxes())
}}).observe(document, {{childList: true, subtree: true, attributes: true}})
"""


def picture(page, pane: str) -> np.ndarray:
    shot = page.locator(f"#pane-{pane}").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def fresh(chromium, url: str, **options):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, **options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.add_init_script(REMEMBER)
    page.goto(url)
    return page


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_when_the_rest_comes(chromium, server, width):
    page = fresh(chromium, f"{server}?{QUERY}")
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.wait_for_selector("body[data-complete=true]")
    at_first, when_ready = page.evaluate("window.boxes")
    at_last = page.evaluate(BOXES)
    assert len(at_last) == 14 and at_first.keys() == at_last.keys()
    for name, box in at_last.items():
        assert at_first[name] == pytest.approx(box, abs=0.6), name
        assert when_ready[name] == pytest.approx(box, abs=0.6), name
    page.context.close()


def test_the_first_picture_is_in_the_page_itself(chromium, server):
    """Before any script has run; and it lies where the live map will lie."""
    with chromium.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{server}?{QUERY}")
        assert page.locator(".still").count() == 4
        before = picture(page, "original")
    live = fresh(chromium, f"{server}?{QUERY}")
    live.wait_for_selector("body[data-complete=true]")
    assert live.locator(".still").count() == 0
    after = picture(live, "original")
    inside = np.s_[60:200, 120:420]
    assert before.shape == after.shape
    far = np.abs(before[inside] - after[inside]).max(axis=2) > 60
    assert far.mean() < 0.12, "the maps differ by more than their lines"
    live.context.close()


def test_a_cold_server_ends_with_the_same_picture(chromium, serve):
    """Its first visitor waits for the first picture; all is then as for those who come later.

    The colour bar is laid out before it has its words: they must not lie on its numbers.
    """
    with serve("-m", "panel", "serve", "app/", "--port", "{port}", cold=True) as url:
        first = fresh(chromium, f"{url}?{QUERY}")
        first.wait_for_selector("body[data-complete=true]")
        first.wait_for_function("document.querySelector('[data-text=title]').textContent !== ''")
        late = first.locator(".still").count() == 0 and first.evaluate("window.boxes.length") > 0
        second = fresh(chromium, f"{url}?{QUERY}")
        second.wait_for_selector("body[data-complete=true]")
        for page in (first, second):
            page.mouse.move(0, 0)
            page.wait_for_timeout(1500)
        assert late
        for pane in ("original", "difference", "swipe"):
            a, b = picture(first, pane), picture(second, pane)
            assert a.shape == b.shape, pane
            far = np.abs(a - b).max(axis=2) > 40
            frame = np.s_[: 36 + (a.shape[1] - 64) // 2]
            assert far[frame].mean() < 0.1, f"{pane}: other maps"  # drawn for slightly different widths
            far[frame] = False
            assert not far.any(), f"{pane}: bar, words or numbers lie elsewhere"
        for page in (first, second):
            page.context.close()

"""For everybody: axe-core on every page, the keyboard, help that can be reached, large type."""

import re

import pytest

from app.pages import registry

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
KEYS = [entry.key for entry in registry.available()]
MARKS = """() => {
  const found = []
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot)
      if (!node.matches("select, fieldset, input, button")) continue
      if (node.matches("fieldset *, .help-mark, .job *, .listing *, .card")) continue
      const id = node.getAttribute("aria-describedby")
      const text = (id && node.getRootNode().getElementById(id)?.textContent) ?? ""
      if (node.offsetParent !== null) found.push([node.outerHTML.slice(0, 90), text])
    }
  }
  walk(document.querySelector(".side"))
  return found
}"""


@pytest.fixture
def axe():
    found = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return found.Axe()


def violations(axe, page) -> list[str]:
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:4]}"
        for one in axe.run(page).response["violations"]
    ]


@pytest.mark.parametrize("key", KEYS)
def test_axe_finds_nothing(visit, axe, key):
    """Light and dark, on a desk and on a phone."""
    page = visit(f"page={key}", color_scheme="light")
    looks = {"light, desk": lambda: None, "dark, desk": lambda: page.locator("#theme").click()}
    looks["dark, phone"] = lambda: page.set_viewport_size({"width": 390, "height": 844})
    looks["light, phone"] = lambda: page.locator("#theme").click()
    found = {}
    for name, change in looks.items():
        change()
        page.wait_for_timeout(300)
        found[name] = violations(axe, page)
    assert not any(found.values()), found


@pytest.mark.parametrize("key", KEYS[1:])
def test_every_control_is_described(visit, key):
    page = visit(f"page={key}")
    found = page.evaluate(MARKS)
    assert len(found) >= (2 if key == "lessons" else 8)
    assert not [control for control, text in found if len(text) < 20]


def test_help_by_mouse_keyboard_and_touch(visit):
    page = visit("page=compress&method=block-mean")
    mark = page.locator(".side .help-mark").nth(0)
    tip = page.locator(".help-tip:popover-open")
    mark.hover()
    tip.wait_for()
    assert "reanalysis" in tip.inner_text()
    page.mouse.move(700, 40)
    tip.wait_for(state="hidden")
    mark.focus()
    page.keyboard.press("Enter")
    tip.wait_for()
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    phone = visit(
        "page=compress&method=block-mean",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    phone.locator(".figures .help-mark").nth(2).tap()
    tip = phone.locator(".help-tip:popover-open")
    tip.wait_for()
    box = tip.bounding_box()
    assert "decibels" in tip.inner_text() and box["x"] >= 0 and box["x"] + box["width"] <= 390
    phone.locator("h1").tap()
    tip.wait_for(state="hidden")


def test_maps_obey_the_keyboard(visit):
    page = visit("page=compress&method=block-mean")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#pane-original .plot").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")

    def window(url: str) -> tuple[float, float]:
        found = re.search(r"view=([^&]*)", url)
        x0, x1, *_ = (float(v) for v in found[1].split(",")) if found else (-180.0, 180.0)
        return x1 - x0, (x0 + x1) / 2

    page.wait_for_url(lambda url: window(url)[1] > 10)
    assert window(page.url)[0] == pytest.approx(360 * 0.64, rel=0.01)
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "view=" not in url)


def test_focus_can_be_seen(visit):
    """What is reached by Tab in the first part of the page has an outline of its own."""
    page = visit("page=compress&method=block-mean")
    bare = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              let node = document.activeElement
              while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement
              const lit = (it) => {
                const {outlineStyle, outlineWidth} = it ? getComputedStyle(it) : {outlineStyle: "none"}
                return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
              }
              return [node.outerHTML.slice(0, 80), [node, node.nextElementSibling, node.parentNode].some(lit)]
            }"""
        )
        if not seen[1]:
            bare.append(seen[0])
    assert not bare, bare


def test_large_type_for_a_projector(visit):
    page = visit("page=compress&method=block-mean&present=1", viewport={"width": 1920, "height": 1080})
    button = page.get_by_role("button", name="Large")
    size = "name => parseFloat(document.querySelector(name).getBoundingClientRect().height)"
    figure = "window.fieldSpace.findView('original').model"
    label = f"() => parseFloat({figure}.below[0].major_label_text_font_size)"
    large, labels = page.evaluate(size, "h1"), page.evaluate(label)
    assert button.get_attribute("aria-pressed") == "true" and "present=1" in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inner = page.evaluate(f"{figure}.inner_width / {figure}.inner_height")
    assert inner == pytest.approx(2, rel=0.02), "maps keep their shape"
    button.click()
    assert page.evaluate(size, "h1") < 0.8 * large and page.evaluate(label) < 0.8 * labels
    assert "present" not in page.url

"""Light and dark, a phone, labels."""

import pytest

pytestmark = pytest.mark.browser
PAPER = "getComputedStyle(document.body).backgroundColor"
AXIS = """() => {
  const found = []
  const walk = (view) => {
    const {name, below} = view.model ?? {}
    if (name === "original" && below) found.push(below[0].major_label_text_color)
    for (const child of typeof view.children === "function" ? view.children() : []) walk(child)
  }
  Object.values(Bokeh.index.roots ?? Bokeh.index).forEach(walk)
  const value = found[0]
  return value?.value ?? value
}"""


def brightness(colour: str) -> float:
    if colour.startswith("#"):
        parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    else:
        parts = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(parts) / 765


def test_dark_mode_is_taken_from_the_system_and_by_the_button(visit):
    dark = visit("method=block-mean", color_scheme="dark")
    assert brightness(dark.evaluate(PAPER)) < 0.2
    assert brightness(dark.evaluate(AXIS)) > 0.5, "the axes must be read on dark ground"
    page = visit("method=block-mean", color_scheme="light")
    assert brightness(page.evaluate(PAPER)) > 0.8 and brightness(page.evaluate(AXIS)) < 0.5
    page.get_by_role("button", name="Dark").click()
    assert brightness(page.evaluate(PAPER)) < 0.2 and brightness(page.evaluate(AXIS)) > 0.5
    assert "theme=dark" in page.url
    page.get_by_role("button", name="Light").click()
    assert brightness(page.evaluate(PAPER)) > 0.8


def test_phone(visit):
    page = visit("method=block-mean", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = [pane for pane in page.locator(".pane").all() if pane.is_visible()]
    assert len(shown) == 1
    for name in ("Diff.", "Swipe", "Latitude"):
        page.get_by_role("tab", name=name).click()
        pane = page.locator(f"#{page.get_by_role('tab', name=name).get_attribute('aria-controls')}")
        assert pane.is_visible() and not shown[0].is_visible()
        box = pane.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] > 150
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab = page.get_by_role("tab", name="Latitude").bounding_box()
    assert tab["x"] + tab["width"] <= 390, "a tab is cut off"


def test_every_control_has_a_name(visit):
    page = visit("method=block-mean")
    for role in ("combobox", "radio", "slider", "button", "tab"):
        for control in page.get_by_role(role).all():
            snapshot = control.evaluate(
                "node => node.getAttribute('aria-label') || node.textContent.trim()"
                " || [...(node.labels ?? [])].map(label => label.textContent.trim()).join(' ')"
            )
            assert snapshot, control.evaluate("node => node.outerHTML")


def test_contrast_of_text(visit):
    """Text on its ground: at least 4.5 to 1 (WCAG AA) in both modes."""
    script = """() => {
      const canvas = document.createElement("canvas").getContext("2d")
      const style = getComputedStyle(document.documentElement)
      const light = (name) => {
        canvas.fillStyle = style.getPropertyValue(name)
        canvas.fillRect(0, 0, 1, 1)
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(
          (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const pairs = [["--ink", "--paper"], ["--ink-soft", "--paper"], ["--ink-soft", "--card"],
                     ["--ink", "--field"], ["--on-accent", "--accent"], ["--warn-ink", "--warn-bg"],
                     ["--accent", "--field"]]
      return pairs.map(([a, b]) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p)
        return [a, b, (x + 0.05) / (y + 0.05)]
      })
    }"""
    for scheme in ("light", "dark"):
        page = visit("method=block-mean", color_scheme=scheme)
        low = [pair for pair in page.evaluate(script) if pair[2] < 4.5]
        assert not low, (scheme, low)

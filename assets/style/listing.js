// A table of words whose rows may have buttons; a press is told as "number|key".
export function render({model}) {
  const box = document.createElement("div")
  box.className = "listing"
  box.tabIndex = 0
  box.setAttribute("role", "region")
  let presses = 0
  const cell = (tag, text, first) => {
    const node = document.createElement(tag)
    node.textContent = text
    if (tag === "th") node.scope = first ? "row" : "col"
    return node
  }
  const draw = () => {
    const focused = box.querySelector("button:focus")?.dataset.key
    const scrolled = box.scrollTop
    box.setAttribute("aria-label", model.label)
    box.style.maxHeight = model.most ? `${model.most}px` : ""
    const table = document.createElement("table")
    const head = table.createTHead().insertRow()
    model.heads.forEach((text) => head.append(cell(text ? "th" : "td", text, false)))
    if (!model.heads.some(Boolean)) table.tHead.hidden = true
    const body = table.createTBody()
    for (const row of model.rows) {
      const line = body.insertRow()
      if (row.heading) {
        const title = cell("th", row.cells[0], true)
        title.colSpan = model.heads.length
        title.className = "heading"
        line.append(title)
        continue
      }
      line.classList.toggle("chosen", Boolean(row.chosen))
      row.cells.forEach((text, i) => {
        const node = cell(i === 0 ? "th" : "td", text, true)
        if (i === 0 && row.colour) {
          const swatch = document.createElement("i")
          swatch.style.borderTopColor = row.colour
          swatch.style.borderTopStyle = row.dash || "solid"
          node.prepend(swatch)
        }
        if (row.best?.includes(i)) node.classList.add("best")
        if (row.title && i === 0) node.title = row.title
        line.append(node)
      })
      if (row.keys?.length) {
        const place = line.insertCell()
        place.className = "keys"
        for (const [key, text, said, pressed] of row.keys) {
          const button = document.createElement("button")
          button.type = "button"
          button.textContent = text
          button.dataset.key = key
          button.setAttribute("aria-label", said)
          button.title = said
          if (pressed !== null && pressed !== undefined) button.setAttribute("aria-pressed", String(pressed))
          button.addEventListener("click", () => { presses += 1; model.asked = `${presses}|${key}` })
          place.append(button)
        }
      }
    }
    box.replaceChildren(table)
    box.scrollTop = scrolled
    if (focused) [...box.querySelectorAll("button")].find((one) => one.dataset.key === focused)?.focus()
  }
  model.on(["rows", "heads", "label", "most"], draw)
  draw()
  return box
}

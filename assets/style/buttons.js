export function render({model}) {
  const box = document.createElement("div")
  box.className = "control"
  const set = document.createElement("fieldset")
  set.className = "buttons"
  const help = helpOf(model)
  help.describe(set)
  const draw = () => {
    const legend = document.createElement("legend")
    legend.textContent = model.label
    const row = document.createElement("div")
    row.className = "pair"
    for (const [value, text] of model.options) {
      const button = document.createElement("button")
      button.type = "button"
      button.textContent = text
      button.dataset.value = value
      button.addEventListener("click", () => { model.send_msg({pressed: value}) })
      row.append(button)
    }
    set.replaceChildren(legend, row)
    mark()
  }
  const mark = () => {
    for (const button of set.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === model.value))
    }
  }
  model.on(["options", "label"], draw)
  model.on("value", mark)
  draw()
  box.append(set, help.mark, help.tip)
  return box
}

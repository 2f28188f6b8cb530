export function render({model}) {
  const name = `segmented-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const box = document.createElement("div")
  box.className = "control"
  const set = document.createElement("fieldset")
  set.className = "segmented"
  const help = helpOf(model)
  help.describe(set)
  const draw = () => {
    const legend = document.createElement("legend")
    legend.textContent = model.label
    const row = document.createElement("div")
    row.className = "row"
    for (const [value, text, why] of model.options) {
      const label = document.createElement("label")
      const input = document.createElement("input")
      input.type = "radio"
      input.name = name
      input.value = value
      input.checked = value === model.value
      input.disabled = Boolean(why)
      label.title = why || ""
      input.addEventListener("change", () => { model.value = value })
      const span = document.createElement("span")
      span.textContent = text
      label.append(input, span)
      row.append(label)
    }
    set.replaceChildren(legend, row)
  }
  model.on(["options", "label"], draw)
  model.on("value", () => {
    for (const input of set.querySelectorAll("input")) input.checked = input.value === model.value
  })
  draw()
  box.append(set, help.mark, help.tip)
  return box
}

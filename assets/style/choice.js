export function render({model}) {
  const id = `choice-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const box = document.createElement("div")
  const head = document.createElement("div")
  head.className = "head"
  const label = document.createElement("label")
  const select = document.createElement("select")
  select.id = label.htmlFor = id
  select.addEventListener("change", () => { model.value = select.value })
  const draw = () => {
    label.textContent = model.label
    select.replaceChildren(...model.options.map(([value, text]) => new Option(text, value)))
    select.value = model.value
  }
  model.on(["options", "label"], draw)
  model.on("value", () => { select.value = model.value })
  draw()
  const help = helpOf(model)
  help.describe(select)
  head.append(label, help.mark)
  box.append(head, select, help.tip)
  return box
}

export function render({model}) {
  const box = document.createElement("div")
  box.className = "beside"
  const button = document.createElement("button")
  button.type = "button"
  const help = helpOf(model)
  help.describe(button)
  const draw = () => { button.textContent = model.label }
  button.addEventListener("click", () => { model.clicks += 1 })
  model.on("label", draw)
  draw()
  box.append(button, help.mark, help.tip)
  return box
}

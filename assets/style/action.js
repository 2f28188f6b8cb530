export function render({model}) {
  const button = document.createElement("button")
  button.type = "button"
  const draw = () => { button.textContent = model.label }
  button.addEventListener("click", () => { model.clicks += 1 })
  model.on("label", draw)
  draw()
  return button
}

export function render({model}) {
  const id = `range-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const box = document.createElement("div")
  const head = document.createElement("div")
  head.className = "head"
  const label = document.createElement("label")
  const output = document.createElement("output")
  const input = document.createElement("input")
  input.type = "range"
  input.id = label.htmlFor = id
  const draw = () => {
    label.textContent = model.label
    input.min = model.start
    input.max = model.end
    input.step = model.step
    input.value = model.value
    output.textContent = `${model.value}${model.suffix}`
  }
  input.addEventListener("input", () => { model.value = Number(input.value) })
  model.on(["label", "start", "end", "step", "value", "suffix"], draw)
  draw()
  const help = helpOf(model)
  help.describe(input)
  head.append(label, output, help.mark)
  box.append(head, input, help.tip)
  return box
}

const ICONS = {
  previous: "M6 5h2v14H6zM20 5v14L9 12z",
  play: "M7 4v16l13-8z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  next: "M16 5h2v14h-2zM4 5v14l11-7z",
}

function button(name, text) {
  const node = document.createElement("button")
  node.type = "button"
  node.setIcon = (icon, label) => {
    node.innerHTML = `<svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`
    node.setAttribute("aria-label", label)
    node.title = label
  }
  node.setIcon(name, text)
  return node
}

export function render({model}) {
  const id = `player-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const box = document.createElement("div")
  box.className = "player"
  const head = document.createElement("div")
  head.className = "head"
  const label = document.createElement("label")
  const output = document.createElement("output")
  const input = document.createElement("input")
  input.type = "range"
  input.min = 0
  input.step = 1
  input.id = label.htmlFor = id
  const previous = button("previous", "Previous time")
  const play = button("play", "Play")
  const next = button("next", "Next time")

  const date = (i) => (model.labels[i] || "no time").replace("T", " ")
  const write = () => {
    output.textContent = date(Number(input.value))
    input.setAttribute("aria-valuetext", date(Number(input.value)))
  }
  const single = () => model.labels.length < 2

  // One picture is asked for at a time; where the slider went meanwhile is asked for when it has come.
  let asked = model.value
  const ask = () => {
    write()
    if (model.shown === asked && Number(input.value) !== asked) {
      asked = Number(input.value)
      model.value = asked
    }
  }
  const step = (by) => {
    const n = model.labels.length
    input.value = (Number(input.value) + by + n) % n
    ask()
  }

  let timer = null
  const stop = () => { clearInterval(timer); timer = null; play.setIcon("play", "Play") }
  play.addEventListener("click", () => {
    if (timer !== null) return stop()
    play.setIcon("pause", "Pause")
    timer = setInterval(() => {
      if (!box.isConnected) return stop()
      if (model.shown === asked) step(1)
    }, model.interval)
  })
  previous.addEventListener("click", () => { stop(); step(-1) })
  next.addEventListener("click", () => { stop(); step(1) })
  input.addEventListener("input", () => { stop(); ask() })
  model.on("shown", ask)
  const draw = () => {
    label.textContent = model.label
    input.max = Math.max(0, model.labels.length - 1)
    asked = model.value
    input.value = model.value
    for (const node of [input, previous, play, next]) node.disabled = single()
    write()
  }
  model.on(["labels", "label"], () => { stop(); draw() })
  model.on("value", () => { if (model.value !== asked) draw() })
  draw()
  const row = document.createElement("div")
  row.className = "transport"
  row.append(previous, play, next, input)
  const help = helpOf(model)
  help.describe(input, previous, play, next)
  head.append(label, output, help.mark)
  box.append(head, row, help.tip)
  return box
}

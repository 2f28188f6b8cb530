export function render({model}) {
  const box = document.createElement("div")
  box.className = "job"
  const text = document.createElement("span")
  text.setAttribute("role", "status")
  text.id = `job-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const bar = document.createElement("progress")
  bar.max = 1
  bar.setAttribute("aria-label", "Progress")
  const stop = document.createElement("button")
  stop.type = "button"
  stop.textContent = "Stop"
  stop.setAttribute("aria-describedby", text.id)
  stop.addEventListener("click", () => { model.stops += 1 })
  const draw = () => {
    box.hidden = !model.running
    text.textContent = model.text
    bar.value = model.share
  }
  model.on(["running", "share", "text"], draw)
  draw()
  box.append(text, bar, stop)
  return box
}

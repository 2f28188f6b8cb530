// Where the pointer is on the map of times, at most every 70 ms; what is there comes back and follows the pointer.
const {root, seen} = window.fieldSpace.of(asked)
const it = (seen.hover ??= {left: 0, top: 0, tip: null, inside: false, sent: 0, timer: null})
if (it.tip === null) {
  window.addEventListener("pointermove", (event) => { it.left = event.clientX; it.top = event.clientY }, true)
  it.tip = document.createElement("div")
  it.tip.className = "tip"
  it.tip.setAttribute("role", "tooltip")
  it.tip.hidden = true
  it.tip.append(document.createElement("img"), document.createElement("b"), document.createElement("span"))
  const page = root.body ?? root
  page.append(it.tip)
}
const move = () => {
  const {tip} = it
  tip.style.left = `${Math.min(it.left + 16, innerWidth - tip.offsetWidth - 8)}px`
  tip.style.top = `${it.top + 20 + tip.offsetHeight > innerHeight ? it.top - tip.offsetHeight - 12 : it.top + 20}px`
}
if (cb_obj.event_name === "mouseleave") {
  it.inside = false
  clearTimeout(it.timer)
  it.tip.hidden = true
  asked.data = {x: [], y: [], rx: [], ry: []}
} else if (cb_obj.event_name === "mousemove") {
  it.inside = true
  if (!it.tip.hidden) move()
  const reach = 12
  const {x, y} = cb_obj
  const send = () => {
    it.sent = performance.now()
    const rx = reach * (xs.end - xs.start) / figure.inner_width
    const ry = reach * (ys.end - ys.start) / figure.inner_height
    asked.data = {x: [x], y: [y], rx: [rx], ry: [ry]}
  }
  clearTimeout(it.timer)
  const wait = it.sent + 70 - performance.now()
  if (wait <= 0) send()
  else it.timer = setTimeout(send, wait)
} else {
  const [label, note, picture] = ["label", "note", "picture"].map((key) => told.data[key][0] ?? "")
  it.tip.hidden = !it.inside || label === ""
  if (!it.tip.hidden) {
    const [image, head, words] = it.tip.children
    image.src = picture
    image.alt = ""
    head.textContent = label
    words.textContent = note
    move()
  }
}

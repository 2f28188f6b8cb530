// A "?" that shows a short text: by pointer, by touch, by keyboard. What the text is about is described by it.
const helpMark = (about = "") => {
  const id = `help-${crypto.getRandomValues(new Uint32Array(1))[0]}`
  const mark = document.createElement("button")
  mark.type = "button"
  mark.className = "help-mark"
  mark.innerHTML = '<span aria-hidden="true">?</span><span class="unseen">Help</span>'
  const tip = document.createElement("div")
  tip.id = id
  tip.className = "help-tip"
  tip.popover = "auto"
  mark.popoverTargetElement = tip
  const place = () => {
    const {left, right, top, bottom} = mark.getBoundingClientRect()
    const wide = tip.offsetWidth
    const below = bottom + 6 + tip.offsetHeight <= innerHeight
    tip.style.left = `${Math.max(8, Math.min((left + right) / 2 - 24, innerWidth - wide - 8))}px`
    tip.style.top = `${below ? bottom + 6 : Math.max(8, top - tip.offsetHeight - 6)}px`
  }
  const away = () => { if (tip.matches(":popover-open")) tip.hidePopover() }
  tip.addEventListener("toggle", (event) => {
    const open = event.newState === "open"
    if (open) place()
    else tip.dataset.pinned = ""
    for (const type of ["scroll", "resize"]) window[open ? "addEventListener" : "removeEventListener"](type, away, true)
  })
  // Under a mouse it comes by itself; a click keeps it, a second one puts it away.
  let waiting = null
  mark.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") waiting = setTimeout(() => tip.showPopover(), 150)
  })
  mark.addEventListener("pointerleave", () => {
    clearTimeout(waiting)
    if (!tip.dataset.pinned) away()
  })
  mark.addEventListener("click", (event) => {
    clearTimeout(waiting)
    if (tip.matches(":popover-open") && !tip.dataset.pinned) event.preventDefault()
    tip.dataset.pinned = "yes"
  })
  const say = (text) => {
    tip.textContent = text
    mark.hidden = !text
  }
  say(about)
  const describe = (...nodes) => nodes.forEach((node) => node.setAttribute("aria-describedby", id))
  return {mark, tip, say, describe}
}
// The same for a control that has a model with its words.
const helpOf = (model) => {
  const help = helpMark(model.help)
  model.on("help", () => help.say(model.help))
  return help
}

// What a page of the app and a page in a notebook's cell share: files, sentences, swipes, tabs, late panes.
// root: the document, or the cell's own tree.
const fieldSpaceParts = (root, isDark) => {
  const save = (name, body) => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([body]))
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }

  // Sentences appear in a live region and stay until they are read: longer for longer ones.
  const toast = (sentence) => {
    const place = root.querySelector("#toasts")
    const node = document.createElement("div")
    node.className = "toast"
    const words = document.createElement("span")
    words.textContent = sentence
    const close = document.createElement("button")
    close.type = "button"
    close.setAttribute("aria-label", "Close this message")
    close.textContent = "×"
    close.addEventListener("click", () => node.remove())
    node.append(words, close)
    place.append(node)
    while (place.children.length > 3) place.firstChild.remove()
    setTimeout(() => node.remove(), 5000 + 60 * sentence.length)
  }

  // A swipe: the upper map is cut off left of the divider; both maps stay alive under the pointer.
  const [LEFT, RIGHT] = [46, 18] // the maps' borders, as in app/map_pane.py
  const swipes = new Map()
  const wireSwipe = (stack) => {
    const divider = stack.querySelector(".divider")
    const it = {source: null, share: 0.5, blinking: null}
    swipes.set(stack, it)
    it.divide = (to, tell = true) => {
      it.share = Math.min(1, Math.max(0, to))
      const width = stack.clientWidth - LEFT - RIGHT
      const x = LEFT + it.share * width
      const cut = it.blinking === null ? x : it.blinking ? 0 : stack.clientWidth
      stack.querySelector(".top").style.clipPath = `inset(-200px -200px -200px ${cut}px)`
      stack.querySelector(".under").style.clipPath = `inset(-200px ${stack.clientWidth - cut}px -200px -200px)`
      divider.style.left = `${x}px`
      divider.style.height = `${width / 2}px`
      divider.hidden = it.blinking !== null
      divider.setAttribute("aria-valuenow", String(Math.round(it.share * 100)))
      if (tell && it.source) it.source.data = {share: [it.share]}
    }
    const follow = (event) => {
      const box = stack.getBoundingClientRect()
      it.divide((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), false)
    }
    divider.addEventListener("pointerdown", (event) => {
      event.preventDefault()
      divider.focus()
      divider.setPointerCapture(event.pointerId)
      divider.addEventListener("pointermove", follow)
    })
    const end = () => { divider.removeEventListener("pointermove", follow); it.divide(it.share) }
    divider.addEventListener("pointerup", end)
    divider.addEventListener("pointercancel", end)
    divider.addEventListener("keydown", (event) => {
      const by = {ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1}[event.key]
      if (by === undefined) return
      event.preventDefault()
      it.divide(it.share + by)
    })
    new ResizeObserver(() => it.divide(it.share, false)).observe(stack)
    const blink = stack.closest(".pane").querySelector(".blink")
    blink.addEventListener("click", () => {
      const on = blink.getAttribute("aria-pressed") !== "true"
      blink.setAttribute("aria-pressed", String(on))
      clearInterval(it.timer)
      it.blinking = on ? true : null
      it.divide(it.share, false)
      if (on) it.timer = setInterval(() => { it.blinking = !it.blinking; it.divide(it.share, false) }, 700)
    })
  }

  // What stood in for what is seen first goes, and what was left for later is asked for.
  const settle = (late) => {
    for (const picture of root.querySelectorAll(".pane:not([data-late]) .still")) picture.remove()
    const panes = [...root.querySelectorAll(".pane[data-late]")]
    const ask = () => { late.data = {panes: [panes.map((pane) => pane.id.replace("pane-", ""))], dark: [isDark()]} }
    if (panes.length) window.requestIdleCallback ? requestIdleCallback(ask, {timeout: 500}) : setTimeout(ask, 50)
    return panes
  }

  const wireTabs = () => {
    const tabs = [...root.querySelectorAll(".tabs button")]
    const choose = (tab) => {
      for (const other of tabs) {
        const on = other === tab
        other.setAttribute("aria-selected", String(on))
        other.tabIndex = on ? 0 : -1
        root.querySelector(`#${other.getAttribute("aria-controls")}`).classList.toggle("chosen", on)
      }
    }
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => choose(tab))
      tab.addEventListener("keydown", (event) => {
        const by = {ArrowLeft: -1, ArrowRight: 1}[event.key]
        if (by === undefined) return
        const next = tabs[(i + by + tabs.length) % tabs.length]
        next.focus()
        choose(next)
      })
    })
    if (tabs.length) choose(tabs[0])
  }

  // Words that the page has for a pane or a figure in large type become a "?" behind its name.
  const wireHelp = () => {
    for (const node of root.querySelectorAll("[data-help]")) {
      const {mark, tip, describe} = helpMark(node.dataset.help)
      node.append(mark)
      ;(root.body ?? root.querySelector(".page")).append(tip)
      describe(node.closest("figure") ?? node.parentNode, mark)
    }
  }

  const wire = () => {
    wireHelp()
    root.querySelectorAll(".stack").forEach(wireSwipe)
    wireTabs()
  }
  const swipe = (pane, source, share) => {
    const it = swipes.get(root.querySelector(`.stack[data-pane="${pane}"]`))
    it.source = source
    it.divide(share, false)
  }
  return {root, isDark, seen: {}, save, toast, settle, wire, swipe, swipes, LEFT, RIGHT}
}

// The page's own few lines: light and dark, the address, saving files, the swipe, tabs on a phone.
;(() => {
  const root = document.documentElement
  const system = matchMedia("(prefers-color-scheme: dark)")
  const asked = new URLSearchParams(location.search).get("theme")
  let chosen = asked === "dark" || asked === "light" ? asked : null
  if (chosen === null) {
    try { chosen = localStorage.getItem("fieldspace-theme") } catch { chosen = null }
  }
  const isDark = () => (chosen ? chosen === "dark" : system.matches)
  const paint = () => {
    root.dataset.theme = isDark() ? "dark" : "light"
    const button = document.getElementById("theme")
    if (button) {
      button.textContent = isDark() ? "Light" : "Dark"
    }
    window.dispatchEvent(new Event("fieldspace-theme"))
  }
  system.addEventListener("change", paint)
  paint()

  const parts = fieldSpaceParts(document, isDark)
  const {save, toast, swipes, LEFT, RIGHT} = parts

  // What follows light and dark on the figures; one function for all of them.
  let painted = null
  const recolour = (next) => {
    window.removeEventListener("fieldspace-theme", painted)
    painted = next
    window.addEventListener("fieldspace-theme", painted)
  }

  // Large type, for a projector: the words by the style, those on the figures here.
  let large = new URLSearchParams(location.search).get("present") === "1"
  const sized = new WeakMap()
  let touched = false
  const enlarge = () => {
    root.toggleAttribute("data-present", large)
    document.getElementById("present")?.setAttribute("aria-pressed", String(large))
    if (!large && !touched) return
    touched = true
    for (const model of window.Bokeh?.documents?.flatMap((one) => [...one._all_models.values()]) ?? []) {
      for (const name of ["major_label", "axis_label", "title", "label", "text"].map((it) => `${it}${it === "text" ? "" : "_text"}_font_size`)) {
        const now = model.attributes?.[name]
        const plain = typeof now === "object" ? now?.value : now
        if (typeof plain !== "string" || !plain.endsWith("px")) continue
        const own = sized.get(model) ?? {}
        own[name] ??= parseFloat(plain)
        sized.set(model, own)
        const text = `${Math.round(own[name] * (large ? 1.4 : 1) * 10) / 10}px`
        if (text !== plain) model.setv({[name]: typeof now === "object" ? {value: text} : text}, {sync: false})
      }
    }
  }

  // The address of what is seen, and of the other pages with what they keep of it; a forced theme goes along.
  let query = location.search.replace(/^\?/, "")
  let links = []
  const themed = (next) => {
    const all = new URLSearchParams(next)
    if (asked !== null || (chosen !== null && chosen !== (system.matches ? "dark" : "light"))) {
      all.set("theme", isDark() ? "dark" : "light")
    }
    for (const [name, value] of [["present", large ? 1 : 0], ["tour", guidedTour.stop]]) {
      if (value) all.set(name, value)
      else all.delete(name)
    }
    const text = all.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")
    return location.pathname + (text ? `?${text}` : "")
  }
  const address = (next = query, others = links) => {
    query = next
    links = others
    history.replaceState(null, "", themed(query) + location.hash)
    for (const [page, its] of links) {
      for (const link of document.querySelectorAll(`a[data-page="${page}"]`)) link.href = themed(its)
    }
  }

  // One picture of everything on the page: each map with its caption, the figures and the attribution.
  const exportPicture = () => {
    const shown = [...document.querySelectorAll(".pane[data-figure]")].filter((pane) => pane.offsetParent !== null)
    const views = shown.flatMap((pane) => {
      const found = pane.dataset.figure.split(" ").map(findView)
      if (!found.every(Boolean)) return [] // it has not come yet
      const [canvas, upper] = found.map((view) => view.export("png", true).canvas)
      return [{pane, canvas, upper}]
    })
    const scale = window.devicePixelRatio || 1
    const columns = views.length > 1 ? 2 : 1
    const w = Math.min(...views.map(({canvas}) => canvas.width))
    const style = getComputedStyle(root)
    const out = document.createElement("canvas")
    const pad = 20 * scale
    // Rows of two; what is wider than that has a row of its own.
    let [column, top, high] = [0, 68 * scale, 0]
    for (const view of views) {
      const wide = view.canvas.width > 1.4 * w
      if (column === columns || (wide && column > 0)) [column, top, high] = [0, top + high + pad, 0]
      Object.assign(view, {x: pad + column * (w + pad), y: top})
      high = Math.max(high, view.canvas.height + 26 * scale)
      column = wide ? columns : column + 1
    }
    out.width = Math.max(columns * (w + pad) + pad, ...views.map(({x, canvas}) => x + canvas.width + pad))
    out.height = top + high + pad + 32 * scale
    const pen = out.getContext("2d")
    const text = (key) => document.querySelector(`[data-text="${key}"]`)?.textContent ?? ""
    const write = (words, x, y, size, weight, colour) => {
      pen.font = `${weight} ${size * scale}px system-ui, sans-serif`
      pen.fillStyle = style.getPropertyValue(colour)
      pen.fillText(words, x, y, out.width - x - pad)
    }
    pen.fillStyle = style.getPropertyValue("--paper")
    pen.fillRect(0, 0, out.width, out.height)
    const mark = text("simulated") ? ` · ${text("simulated")}` : ""
    write(`${text("title")}, ${text("when")}${mark}`, pad, 30 * scale, 17, 650, "--ink")
    const figures = [...document.querySelectorAll(".figures > div")]
    const said = figures.map((one) => `${one.querySelector("dt span").textContent} ${one.querySelector("dd").textContent}`)
    write(said.join("   "), pad, 52 * scale, 13, 400, "--ink-soft")
    views.forEach(({pane, canvas, upper, x, y}) => {
      const caption = pane.querySelector("h2").textContent
      const note = pane.querySelector("figcaption [data-text]")?.textContent ?? ""
      write(`${caption}  ${note}`, x, y + 16 * scale, 13, 600, "--ink")
      pen.drawImage(canvas, x, y + 24 * scale)
      if (upper) {
        const share = swipes.get(pane.querySelector(".stack")).share
        const cut = (LEFT + share * (pane.clientWidth - LEFT - RIGHT)) * scale
        pen.drawImage(upper, cut, 0, upper.width - cut, upper.height, x + cut, y + 24 * scale, upper.width - cut, upper.height)
        pen.fillStyle = "#ffffff"
        pen.fillRect(x + cut - scale, y + 30 * scale, 2 * scale, ((pane.clientWidth - LEFT - RIGHT) / 2) * scale)
      }
    })
    write(text("attribution"), pad, out.height - 14 * scale, 11, 400, "--ink-soft")
    out.toBlob((blob) => save("field-space.png", blob), "image/png")
  }
  const findView = (name) => {
    for (const view of Object.values(Bokeh.index.roots ?? Bokeh.index)) {
      const found = search(view, name)
      if (found) return found
    }
    return null
  }
  const search = (view, name) => {
    if (view.model?.name === name && view.model.type === "Figure") return view // its place has the same name
    const below = typeof view.children === "function" ? view.children() : view.child_views ?? []
    for (const child of below) {
      const found = search(child, name)
      if (found) return found
    }
    return null
  }

  const ready = (late) => {
    document.body.dataset.ready = "true"
    enlarge()
    guidedTour.resume()
    const uncover = (pane) => pane.querySelector(".still")?.remove()
    const panes = parts.settle(late)
    const figures = panes.flatMap((pane) => (pane.dataset.figure ?? "").split(" ").filter(Boolean))
    const timer = setInterval(() => {
      for (const pane of panes) if (findView(pane.id.replace("pane-", ""))?.has_finished()) uncover(pane)
      if (!figures.every((name) => findView(name)?.has_finished())) return
      clearInterval(timer)
      document.body.dataset.complete = "true"
      enlarge()
      guidedTour.refresh()
    }, 60)
  }

  const wireKeys = () => {
    for (const plot of document.querySelectorAll(".plot[tabindex], .stack[tabindex]")) {
      plot.addEventListener("keydown", (event) => {
        if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey) return
        const figure = findView(plot.closest("figure").dataset.figure.split(" ")[0])?.model
        if (figure && figureKeys(figure, event.key)) event.preventDefault()
      })
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    paint()
    enlarge()
    document.getElementById("theme").addEventListener("click", () => {
      chosen = isDark() ? "light" : "dark"
      try { localStorage.setItem("fieldspace-theme", chosen) } catch { /* private windows have no storage */ }
      paint()
      address()
    })
    document.getElementById("present").addEventListener("click", () => {
      large = !large
      enlarge()
      address()
    })
    document.getElementById("png")?.addEventListener("click", exportPicture)
    document.getElementById("link")?.addEventListener("click", async (event) => {
      const button = event.currentTarget
      await navigator.clipboard?.writeText(location.href)
      button.textContent = "Copied"
      setTimeout(() => { button.textContent = "Copy link" }, 1500)
    })
    parts.wire()
    wireKeys()
    guidedTour.wire()
  }, {once: true}) // es-module-shims, which Panel brings, sends this event a second time

  window.fieldSpace = {
    ...parts, address, themed, findView, exportPicture, ready,
    busy: (on) => { document.body.dataset.busy = String(on) },
    painted: (next) => { recolour(next); enlarge() },
    of: () => window.fieldSpace, // a notebook has several pages: see frame.js
  }
})()

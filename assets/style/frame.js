// A page in a notebook's cell: what page.html writes for the app, around the figures and controls it is given.
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "")
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value)
  }
  node.append(...children)
  return node
}

// Dark is what lies under the cell, whichever program shows the notebook.
const darkUnder = (host) => {
  for (let node = host.parentNode; node; node = node.parentNode ?? node.host) {
    if (!(node instanceof Element)) continue
    const [r, g, b, a = 1] = getComputedStyle(node).backgroundColor.match(/[\d.]+/g).map(Number)
    if (a > 0.5) return 0.299 * r + 0.587 * g + 0.114 * b < 110
  }
  return matchMedia("(prefers-color-scheme: dark)").matches
}

const ask = ({help}) => (help ? make("i", {class: "ask", "data-help": help}) : "")

const paneOf = (pane, model, part, first) => {
  const key = pane.key
  const caption = make("figcaption", {}, make("h2", {}, pane.name), ask(pane), make("span", {"data-text": `note_${key}`}))
  const figure = make("figure", {
    id: `pane-${key}`,
    class: ["pane", first && "chosen", pane.wide && "wide", pane.tall && "tall"].filter(Boolean).join(" "),
    "aria-label": pane.name,
    "data-late": model.late.includes(key),
    hidden: model.hidden.includes(key),
  }, caption)
  if (pane.shape !== 2) figure.style.setProperty("--shape", pane.shape)
  if (pane.swipe) {
    caption.append(make("button", {class: "plain blink", type: "button", "aria-pressed": "false"}, "Blink"))
    const divider = make("button", {
      class: "divider", type: "button", role: "slider", "aria-label": `Divider of ${pane.name}`,
      "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 50,
    })
    const [under, top] = pane.swipe.map(part)
    figure.append(make("div", {class: "stack", "data-pane": key},
      make("div", {class: "under"}, under), make("div", {class: "top"}, top), divider))
  } else {
    figure.append(make("div", {class: pane.natural ? "natural" : "plot"}, part(key)))
  }
  return figure
}

const build = (model, part) => {
  const {panes, groups, metrics, columns} = model.layout_of
  const side = make("aside", {class: "side", "aria-label": "Controls"})
  for (const group of groups) {
    const section = make("section", {class: "group", "data-key": group.key, "aria-label": group.name})
    section.style.order = group.phone
    if (group.heading) section.append(make("h2", {}, group.name))
    section.append(part(group.key))
    side.append(section)
  }
  side.append(make("div", {class: "working"}, part("job")), make("p", {class: "quiet attribution", "data-text": "attribution"}))
  const main = make("main", {}, make("div", {class: "headline"},
    make("h1", {"data-text": "title"}), make("time", {"data-text": "when"}),
    make("span", {class: "badge", "data-text": "simulated"})))
  if (metrics.length) {
    const list = make("dl", {class: `figures n${metrics.length}`, style: `--metrics: ${metrics.length}`, "aria-live": "polite"})
    for (const {key, name, help} of metrics) {
      list.append(make("div", {}, make("dt", {}, name, ask({help})), make("dd", {"data-text": key}), make("dd", {class: "note", "data-text": `${key}_note`})))
    }
    main.append(list)
  }
  const tabs = make("div", {class: "tabs", role: "tablist", "aria-label": "Pictures"})
  for (const pane of panes) {
    tabs.append(make("button", {
      type: "button", role: "tab", "aria-controls": `pane-${pane.key}`, "aria-selected": "false",
      hidden: model.hidden.includes(pane.key),
    }, pane.short || pane.name))
  }
  main.append(tabs, make("div", {class: `grid columns${columns}`}, ...panes.map((pane, i) => paneOf(pane, model, part, i === 0))))
  return make("div", {class: "page"}, make("div", {class: "shell"}, side, main),
    make("div", {id: "toasts", role: "alert", "aria-live": "assertive"}))
}

// Panel's comm and jupyter_bokeh also send back what the kernel itself or only the page's colours have changed:
// pictures would go to and fro, and an old echo could undo a newer change. Bokeh says which changes are to be told.
const tellOnlyOurs = (document) => {
  if (document.fieldSpace) return
  document.fieldSpace = true
  const tell = document._trigger_on_change.bind(document)
  document._trigger_on_change = (event) => { if (event.sync !== false) tell(event) }
}

export function render({model, view}) {
  const host = view.el
  tellOnlyOurs(view.model.document)
  const pieces = model.get_child("pieces")
  const page = build(model, (name) => pieces[model.names.indexOf(name)])
  for (const node of page.querySelectorAll("[data-text]")) {
    node.textContent = model.words[node.dataset.text] ?? ""
    node.hidden = node.textContent === ""
  }
  let painted = () => {}
  const isDark = () => host.dataset.theme === "dark"
  const paint = () => {
    const theme = darkUnder(host) ? "dark" : "light"
    if (host.dataset.theme === theme) return
    host.dataset.theme = theme
    painted()
  }
  const parts = fieldSpaceParts(view.shadow_el, isDark)
  const here = {
    ...parts,
    ready: (late) => { host.dataset.ready = "true"; parts.settle(late) },
    painted: (next) => { painted = next },
    address: () => {},
  }
  const pages = (window.fieldSpacePages ??= new WeakMap())
  window.fieldSpace ??= {of: (one) => pages.get(one.document)}
  pages.set(view.model.document, here)
  const watch = new MutationObserver(paint)
  watch.observe(document.body, {attributes: true, subtree: false})
  view.container.replaceChildren(page)
  paint()
  parts.wire()
  model.on("remove", () => watch.disconnect())
  // Until the kernel has answered: what is sent while its comm is only being opened is lost.
  const hello = () => {
    if (host.dataset.ready === "true") return
    model.send_msg({shown: true, dark: isDark()})
    setTimeout(hello, 1500)
  }
  hello()
}

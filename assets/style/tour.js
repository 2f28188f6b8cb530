// The tour: five stops on five pages. Which one it is stands in the address (?tour=2): it goes on where a page loads.
const guidedTour = (() => {
  const STOPS = [
    {page: "compress", at: ".figures", title: "What it costs", text: "A temperature field of ERA5 was compressed and brought back. These are its errors in kelvin and both ratios: fewer numbers, and fewer bytes. Choose another ratio or variable among the controls and watch them change."},
    {page: "compare", at: "#pane-rate_bytes", title: "Is it better than the usual codecs?", text: "Error against size: the lower a curve, the better its method. Click a point to see its field. All methods are measured on times that no network has seen."},
    {page: "zoom", at: "#pane-sharp", title: "Finer than the input", text: "The coarse cells beside this map are all that is known. The network adds what is likely at finer scales where you look. It is an estimate: the truth and the errors stand next to it. Turn the wheel to look elsewhere."},
    {page: "latent", at: "#pane-map", title: "35 years at a glance", text: "Each point is one month, placed by its compressed field: alike months lie together. Click one to see its field, draw around some to compare them. Rings mark the months after great eruptions."},
    {page: "ensemble", at: "#pane-members", title: "Months that could have been", text: "Each tile is a field the network has drawn for the same month. Take the volcano away among the controls and see what changes beyond chance. Read what they must not be used for at the end of this page."},
  ]
  const KEY = "fieldspace-tour"
  const search = () => new URLSearchParams(location.search)
  const remembered = () => { try { return localStorage.getItem(KEY) } catch { return null } }
  const remember = (what) => { try { localStorage.setItem(KEY, what) } catch { /* private windows have no storage */ } }
  const here = () => document.querySelector("nav [aria-current=page]")?.dataset.page
  const wanted = Number(search().get("tour"))
  let stop = wanted >= 1 && wanted <= STOPS.length && Number.isInteger(wanted) ? wanted : 0
  let guide = null

  const load = () => {
    if (window.driver?.js) return window.driver.js.driver
    const script = document.createElement("script")
    script.textContent = document.getElementById("driver-js").textContent
    const style = document.createElement("style")
    style.textContent = document.getElementById("driver-css").textContent
    document.head.prepend(style) // the page's own style comes after it
    document.head.append(script)
    return window.driver.js.driver
  }
  const go = (number) => {
    stop = number
    const {page} = STOPS[number - 1]
    if (page === here()) show()
    else location.assign(window.fieldSpace.themed(`page=${page}`))
  }
  const ended = () => {
    guide = null
    stop = 0
    remember("ended")
    window.fieldSpace.address()
    document.getElementById("tour").focus()
  }
  // driver.js says that it has ended only where its first animation was over: one who is quicker is heard here.
  const close = () => {
    guide?.destroy()
    ended()
  }
  const show = () => {
    const {at, title, text} = STOPS[stop - 1]
    const place = document.querySelector(at)
    if (!place) return ended()
    // On a phone a pane is behind its tab.
    document.querySelector(`.tabs [aria-controls="${place.id}"][aria-selected="false"]`)?.click()
    window.fieldSpace.address()
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches
    guide = load()({
      animate: !still, overlayColor: "#0b1416", overlayOpacity: 0.6, stagePadding: 6, stageRadius: 8,
      overlayClickBehavior: () => {}, allowKeyboardControl: true, onDestroyStarted: close,
      onHighlighted: (node) => {
        for (const name of ["aria-haspopup", "aria-expanded", "aria-controls"]) node.removeAttribute(name)
      },
    })
    const last = stop === STOPS.length
    guide.highlight({
      element: place,
      popover: {
        title, description: text, popoverClass: "stop", showProgress: true, progressText: `Stop ${stop} of ${STOPS.length}`,
        showButtons: stop > 1 ? ["previous", "next", "close"] : ["next", "close"],
        prevBtnText: "Back", nextBtnText: last ? "Done" : "Next", doneBtnText: last ? "Done" : "Next",
        onNextClick: () => (last ? close() : go(stop + 1)),
        onPrevClick: () => go(stop - 1),
        onCloseClick: close,
        onPopoverRender: ({closeButton, footerButtons, nextButton, progress}) => {
          closeButton.textContent = "Skip"
          closeButton.setAttribute("aria-label", "Skip the tour")
          footerButtons.prepend(closeButton)
          closeButton.hidden = last
          requestAnimationFrame(() => nextButton.focus())
        },
      },
    })
  }
  return {
    get stop() { return stop },
    start: () => go(Math.max(1, STOPS.findIndex(({page}) => page === here()) + 1)),
    // What is seen first is there: where the address says so, the tour goes on; places of the rest are kept.
    resume: () => { if (stop && STOPS[stop - 1].page === here()) show(); else stop = 0 },
    refresh: () => guide?.refresh(),
    wire: () => {
      const invite = document.getElementById("invite")
      for (const button of [invite, document.getElementById("tour")]) button?.addEventListener("click", () => guidedTour.start())
      if (invite && remembered()) {
        invite.textContent = "Take the tour again"
        invite.className = "plain"
      }
    },
  }
})()

// Maps and charts by the keyboard: arrows move, plus and minus zoom, 0 shows all. The ranges are the figure's own.
const figureKeys = (() => {
  const shift = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}
  const zoom = {"+": 0.8, "=": 0.8, "-": 1.25, "_": 1.25}
  // Where a range's ends come to lie; null for one of names, and where they would leave its bounds.
  const along = (range, scale, change) => {
    if (typeof range.start !== "number") return null
    const [to, back] = scale.type === "LogScale" ? [Math.log, Math.exp] : [(v) => v, (v) => v]
    const [start, end] = change(to(range.start), to(range.end)).map(back)
    const [low, high] = Array.isArray(range.bounds) ? range.bounds : []
    const inside = [start, end].every((at) => at >= (low ?? -Infinity) && at <= (high ?? Infinity))
    return inside ? {start, end} : null
  }
  return (figure, key) => {
    const {x_range: x, y_range: y, x_scale: sx, y_scale: sy} = figure
    if (key === "0") {
      for (const range of [x, y]) range.reset?.()
    } else if (shift[key]) {
      shift[key].forEach((by, i) => {
        if (!by) return
        const moved = along([x, y][i], [sx, sy][i], (a, b) => [a + (by * (b - a)) / 10, b + (by * (b - a)) / 10])
        if (moved) [x, y][i].setv(moved)
      })
    } else if (zoom[key]) {
      const wider = (a, b) => [(a + b) / 2 - ((b - a) / 2) * zoom[key], (a + b) / 2 + ((b - a) / 2) * zoom[key]]
      const [wide, high] = [along(x, sx, wider), along(y, sy, wider)]
      if (wide && high) {
        x.setv(wide)
        y.setv(high)
      }
    } else return false
    return true
  }
})()

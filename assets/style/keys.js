// Maps and charts by the keyboard: arrows move, plus and minus zoom, 0 shows all. The ranges are the figure's own.
const figureKeys = (() => {
  const shift = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}
  const zoom = {"+": 0.8, "=": 0.8, "-": 1.25, "_": 1.25}
  const along = (range, scale, change) => {
    if (typeof range.start !== "number") return // of names
    const [to, back] = scale.type === "LogScale" ? [Math.log, Math.exp] : [(v) => v, (v) => v]
    const ends = change(to(range.start), to(range.end))
    const [low, high] = (Array.isArray(range.bounds) ? range.bounds : [-Infinity, Infinity]).map(Number)
    const inside = ends.map(back).every((end) => Number.isNaN(low) || (end >= low && end <= high))
    if (inside) range.setv({start: back(ends[0]), end: back(ends[1])})
  }
  return (figure, key) => {
    const {x_range: x, y_range: y, x_scale: sx, y_scale: sy} = figure
    if (key === "0") {
      for (const range of [x, y]) range.reset?.()
    } else if (shift[key]) {
      shift[key].forEach((by, i) => {
        if (by) along([x, y][i], [sx, sy][i], (a, b) => [a + (by * (b - a)) / 10, b + (by * (b - a)) / 10])
      })
    } else if (zoom[key]) {
      const wider = (a, b) => [(a + b) / 2 - ((b - a) / 2) * zoom[key], (a + b) / 2 + ((b - a) / 2) * zoom[key]]
      along(x, sx, wider)
      along(y, sy, wider)
    } else return false
    return true
  }
})()

const PIECE = 3 * 1024 * 1024

export function render({model}) {
  const box = document.createElement("div")
  const label = document.createElement("label")
  label.className = "drop"
  const input = document.createElement("input")
  input.type = "file"
  input.accept = model.suffixes.join(",")
  const text = document.createElement("span")
  const note = document.createElement("small")
  label.append(input, text)
  const beside = document.createElement("div")
  beside.className = "beside"
  const help = helpOf(model)
  help.describe(input)
  beside.append(label, help.mark, help.tip)
  box.append(beside, note)
  text.textContent = model.label
  note.textContent = `NetCDF, GRIB, zipped Zarr, ≤ ${Math.round(model.limit / 1e6)} MB`
  let file = null
  let number = model.number

  const piece = () => {
    if (file === null || model.refused === number) { file = null; text.textContent = model.label; return }
    const from = model.received
    text.textContent = `Sending ${Math.round((100 * from) / file.size)} %`
    if (from >= file.size) { file = null; text.textContent = model.label; return }
    const reader = new FileReader()
    reader.onload = () => {
      model.send_msg({kind: "piece", number, body: String(reader.result).split(",", 2)[1]})
    }
    reader.onerror = () => { file = null; text.textContent = model.label }
    reader.readAsDataURL(file.slice(from, from + PIECE))
  }
  const take = (chosen) => {
    if (!chosen || file !== null) return
    if (chosen.size > model.limit) {
      model.send_msg({kind: "problem", name: chosen.name, size: chosen.size})
      return
    }
    number += 1
    file = chosen
    model.send_msg({kind: "start", number, name: chosen.name, size: chosen.size})
  }
  model.on("number", () => { if (file !== null && model.number === number) piece() })
  model.on("received", () => { if (file !== null && model.received > 0) piece() })
  model.on("refused", () => { if (model.refused === number) { file = null; text.textContent = model.label } })
  input.addEventListener("change", () => { take(input.files[0]); input.value = "" })
  label.addEventListener("dragover", (event) => { event.preventDefault(); label.classList.add("over") })
  label.addEventListener("dragleave", () => label.classList.remove("over"))
  label.addEventListener("drop", (event) => {
    event.preventDefault()
    label.classList.remove("over")
    take(event.dataTransfer.files[0])
  })
  return box
}

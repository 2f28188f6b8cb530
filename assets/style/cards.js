// A row of small pictures to choose from.
export function render({model}) {
  const row = document.createElement("div")
  row.className = "card-row"
  const draw = () => {
    row.replaceChildren(...model.items.map(([key, head, note, picture]) => {
      const button = document.createElement("button")
      button.type = "button"
      button.className = "card"
      const image = document.createElement("img")
      image.src = picture
      image.alt = ""
      const name = document.createElement("span")
      name.textContent = head
      const small = document.createElement("small")
      small.textContent = note
      button.append(image, name, small)
      button.addEventListener("click", () => model.send_msg({key}))
      return button
    }))
  }
  model.on("items", draw)
  draw()
  return row
}

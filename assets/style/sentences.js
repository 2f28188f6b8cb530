// Paragraphs, each with the words it is about in front.
export function render({model}) {
  const box = document.createElement("div")
  box.className = "said"
  const draw = () => {
    box.replaceChildren(...model.items.map(([head, text]) => {
      const p = document.createElement("p")
      if (head) {
        const strong = document.createElement("b")
        strong.textContent = `${head} `
        p.append(strong)
      }
      p.append(text)
      return p
    }))
  }
  model.on("items", draw)
  draw()
  return box
}

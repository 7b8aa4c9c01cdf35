// The sprite, put into the page once, so that an icon needs no request of its own and shows in the same frame as its word.

/** Loads the symbols that `<use href="#icon-…">` refers to. */
export const loadIcons = async () => {
  const response = await fetch("/icons.svg")
  const sprite = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement
  sprite.setAttribute("hidden", "")
  sprite.setAttribute("aria-hidden", "true")
  document.body.prepend(document.adoptNode(sprite))
}

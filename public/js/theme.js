// Light, dark, or as the system says. Runs before the first paint.

const key = "theme"
export const themes = ["system", "light", "dark"]

/** The reader's choice. */
export const theme = () => themes.includes(localStorage.getItem(key)) ? localStorage.getItem(key) : "system"

/** @param {string} name one of `themes` */
export const chooseTheme = name => {
  if (name === "system") {
    localStorage.removeItem(key)
    delete document.documentElement.dataset.theme
  } else {
    localStorage.setItem(key, name)
    document.documentElement.dataset.theme = name
  }
}

chooseTheme(theme())

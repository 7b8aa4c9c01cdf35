import { chooseTheme } from "../js/theme.js"
import { ok, test } from "./harness.js"

// Relative luminance and contrast as WCAG 2.2 defines them; the canvas turns any CSS colour into bytes.
const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })

const bytes = colour => {
  context.clearRect(0, 0, 1, 1)
  context.fillStyle = colour
  context.fillRect(0, 0, 1, 1)
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]
}

const luminance = colour => {
  const [red, green, blue] = bytes(colour).map(byte => byte / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

const computed = token => {
  const probe = document.createElement("p")
  probe.style.color = `var(--${token})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const pairs = [
  ...["ink", "ink-soft", "ink-faint", "accent", "good", "bad", "busy", "care"].flatMap(ink => [[ink, "canvas"], [ink, "surface"]]),
  ["ink-soft", "hover"], ["ink-soft", "chip"], ["on-accent", "accent"], ["accent", "accent-soft"], ["ink", "accent-soft"], ["bad", "bad-soft"],
  ["log-ink", "log-surface"], ["ink-faint", "log-surface"],
  ...Array.from({ length: 16 }, (_, number) => [`ansi-${number}`, "log-surface"]),
]

for (const scheme of ["light", "dark"]) {
  test(`text has a contrast of at least 4.5 in the ${scheme} scheme`, () => {
    chooseTheme(scheme)
    const weak = pairs
      .map(([ink, ground]) => [ink, ground, contrast(computed(ink), computed(ground))])
      .filter(([, , ratio]) => ratio < 4.5)
      .map(([ink, ground, ratio]) => `${ink} on ${ground}: ${ratio.toFixed(2)}`)
    chooseTheme("system")
    ok(weak.length === 0, weak.join(", "))
  })
}

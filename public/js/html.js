// The only place where text becomes markup. Every interpolation is escaped unless it already is markup.

const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }

/** Text that is known to be markup. Only `html` makes it. */
class Markup {
  constructor(text) {
    this.text = text
  }

  toString() {
    return this.text
  }
}

const escape = text => text.replace(/[&<>"']/g, character => entities[character])

const piece = value => {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(piece).join("")
  return value === null || value === undefined || value === false ? "" : escape(String(value))
}

/**
 * Builds markup; attribute values must be quoted in the template.
 * @param {TemplateStringsArray} strings
 * @param {...unknown} values text, numbers, markup, or arrays of these; null, undefined and false are nothing
 * @returns {Markup}
 */
export const html = (strings, ...values) =>
  new Markup(strings.reduce((text, string, index) => text + piece(values[index - 1]) + string))

/**
 * Parses markup into nodes that belong to no page yet.
 * @param {Markup} markup
 * @returns {DocumentFragment}
 */
export const fragment = markup => {
  if (!(markup instanceof Markup)) throw new TypeError("only markup made by html`…` becomes nodes")
  const template = document.createElement("template")
  template.innerHTML = markup.text
  return document.importNode(template.content, true)
}

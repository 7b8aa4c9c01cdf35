// Changes a tree in place until it equals new markup, so that focus, selection, scroll and running
// transitions survive a live update.

import { fragment } from "./html.js"

// Set by scripts or by the reader, never by markup.
const kept = new Set(["style", "open"])

const keyOf = node => node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset?.key || "" : ""

const ownsItsChildren = element => element.localName.includes("-")

const copyAttributes = (from, to) => {
  for (const { name } of [...to.attributes]) {
    if (!from.hasAttribute(name) && !kept.has(name)) to.removeAttribute(name)
  }
  for (const { name, value } of from.attributes) {
    if (to.getAttribute(name) !== value) to.setAttribute(name, value)
  }
}

const update = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data
    return
  }
  copyAttributes(fresh, old)
  if (!ownsItsChildren(old)) updateChildren(old, fresh)
}

const counterpart = (fresh, from, keyed) => {
  const key = keyOf(fresh)
  if (key) {
    const found = keyed.get(key)
    return found?.localName === fresh.localName ? found : null
  }
  for (let old = from; old; old = old.nextSibling) {
    if (!keyOf(old) && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName) return old
  }
  return null
}

const updateChildren = (target, source) => {
  const keyed = new Map([...target.children].filter(keyOf).map(child => [keyOf(child), child]))
  let place = target.firstChild
  for (const fresh of [...source.childNodes]) {
    const old = counterpart(fresh, place, keyed)
    if (!old) {
      target.insertBefore(fresh, place)
      continue
    }
    keyed.delete(keyOf(fresh))
    if (old === place) place = place.nextSibling
    else target.insertBefore(old, place)
    update(old, fresh)
  }
  while (place) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}

/**
 * Makes the children of `target` equal to `markup`, moving as few nodes as possible. Elements are matched by
 * `id` or `data-key`, others by their order. A custom element keeps its own children.
 * @param {Element} target
 * @param {ReturnType<import("./html.js").html>} markup
 */
export const morph = (target, markup) => updateChildren(target, fragment(markup))

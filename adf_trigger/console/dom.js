// Elements, made only of text: no code of this page parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on` has its listeners, `css` its computed styles, `data` its data attributes. */
export function h(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function s(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "css") for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Replace the children of an element; the focus is kept by `data-focus`. */
export function fill(element, ...children) {
  const kept = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  element.replaceChildren(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  if (kept !== undefined) element.querySelector(`[data-focus="${CSS.escape(kept)}"]`)?.focus({ preventScroll: true });
}

/** Fill an element only when the shown state has changed. */
export function painted(element) {
  let last;
  return (shown, make) => {
    const now = JSON.stringify(shown);
    if (now === last) return;
    last = now;
    fill(element, make());
  };
}

let made = 0;

/** A unique element id. */
export function fresh(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}

/** Call `work` once there was no further call for this many milliseconds. */
export function debounced(work, milliseconds) {
  let timer;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds, ...given);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

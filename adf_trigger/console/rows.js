// A long table that renders only the visible rows, all of the same height.

import { h } from "./dom.js";

const BESIDE = 8;

export class Rows {
  /**
  * `columns` are the names of the cells, `row(run)` returns { href, cells, label }.
   * `nearEnd()` is called when the last rows are about to become visible.
   */
  constructor({ label, columns, row, keyOf, nearEnd = () => {} }) {
    this.row = row;
    this.keyOf = keyOf;
    this.nearEnd = nearEnd;
    this.made = new Map();
    this.runs = [];
    const head = h("div", { role: "row", class: "row head" }, columns.map((each) => h("span", { role: "columnheader", class: `cell ${each.name}` }, each.label)));
    this.body = h("div", { role: "rowgroup", class: "rows" });
    this.element = h("div", { role: "table", "aria-label": label, class: "table" }, h("div", { role: "rowgroup" }, head), this.body);
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    this.onScroll = () => {
      this.frame ??= requestAnimationFrame(() => this.draw());
    };
    addEventListener("scroll", this.onScroll, { passive: true });
    addEventListener("resize", this.onScroll, { passive: true });
  }

  close() {
    removeEventListener("scroll", this.onScroll);
    removeEventListener("resize", this.onScroll);
    cancelAnimationFrame(this.frame);
  }

  show(runs) {
    this.runs = runs;
    this.element.setAttribute("aria-rowcount", String(runs.length + 1));
    this.draw();
  }

  get height() {
    return parseFloat(getComputedStyle(this.body).getPropertyValue("--row")) || 60;
  }

  draw() {
    this.frame = undefined;
    const height = this.height;
    this.body.style.setProperty("height", `${this.runs.length * height}px`);
    const top = -this.body.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(top / height) - BESIDE);
    const to = Math.min(this.runs.length, Math.ceil((top + innerHeight) / height) + BESIDE);
    const wanted = new Map();
    for (let index = from; index < to; index += 1) wanted.set(this.keyOf(this.runs[index]), index);
    const focused = document.activeElement?.closest?.(".rows > .row")?.dataset.key;
    if (focused !== undefined && !wanted.has(focused)) {
      const index = this.runs.findIndex((run) => this.keyOf(run) === focused);
      if (index >= 0) wanted.set(focused, index); // keep the position of keyboard users
    }
    for (const [key, { element }] of this.made) {
      if (!wanted.has(key)) {
        element.remove();
        this.made.delete(key);
      }
    }
    for (const [key, index] of wanted) this.place(key, index, height);
    this.inOrder(wanted);
    if (to > this.runs.length - BESIDE * 2) this.nearEnd();
  }

  place(key, index, height) {
    const { href, cells, state } = this.row(this.runs[index]);
    const shown = JSON.stringify(state);
    let known = this.made.get(key);
    if (!known || known.shown !== shown) {
      const link = h("a", { class: "row-link", href, data: { focus: key } }, cells[0].content);
      const content = cells.map(({ name, content }, number) => h("span", { role: "cell", class: `cell ${name}` }, number === 0 ? link : content));
      const element = h("div", { role: "row", class: "row", data: { key } }, content);
      const focused = known?.element.contains(document.activeElement);
      if (known) known.element.replaceWith(element);
      if (focused) link.focus({ preventScroll: true });
      known = { element, shown };
      this.made.set(key, known);
    }
    known.element.style.setProperty("top", `${index * height}px`);
    known.element.setAttribute("aria-rowindex", String(index + 2));
  }

  /** Put the elements in the order of the rows, which is also the tab order. */
  inOrder(wanted) {
    let before = null;
    for (const [key] of [...wanted].sort(([, one], [, other]) => one - other)) {
      const { element } = this.made.get(key);
      const expected = before ? before.nextSibling : this.body.firstChild;
      if (element !== expected) {
        const focused = element.contains(document.activeElement) ? document.activeElement : null;
        this.body.insertBefore(element, expected);
        focused?.focus({ preventScroll: true });
      }
      before = element;
    }
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    const key = event.target.closest(".row")?.dataset.key;
    if (step === undefined || key === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const index = this.runs.findIndex((run) => this.keyOf(run) === key);
    const next = Math.min(this.runs.length - 1, Math.max(0, index + step));
    const box = this.body.getBoundingClientRect();
    const top = box.top + next * this.height;
    if (top < 140) scrollBy({ top: top - 140, behavior: "instant" });
    else if (top + this.height > innerHeight) scrollBy({ top: top + this.height - innerHeight + 8, behavior: "instant" });
    this.draw();
    this.made.get(this.keyOf(this.runs[next]))?.element.querySelector("a").focus({ preventScroll: true });
  }
}

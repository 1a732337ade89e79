"use strict";
// The page says all it has to say without this: it sorts, filters and folds long tables, shows the values of figures,
// keeps the reader's light or dark, marks the section on the screen, and loads a page again that a sweep still fills.
const LONG = 60, FILTERED = 12;
const root = document.documentElement, all = (query, from = document) => [...from.querySelectorAll(query)];
const made = (tag, more = {}) => Object.assign(document.createElement(tag), more);

// A place to keep things that a browser may refuse to a page from a file.
const kept = (store) => ({
  get: (name) => { try { return window[store].getItem("rnnsweep " + name); } catch { return null; } },
  set: (name, value) => { try { window[store].setItem("rnnsweep " + name, value); } catch { /* for this page only */ } },
});
const always = kept("localStorage"), session = kept("sessionStorage");

// Light and dark.
const theme = document.getElementById("theme"), system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
const showTheme = () => { theme.setAttribute("aria-pressed", isDark()); };
const saved = always.get("theme");
if (saved === "dark" || saved === "light") root.dataset.theme = saved;
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  always.set("theme", root.dataset.theme);
  showTheme();
});
system.addEventListener("change", showTheme);
showTheme();

// The contents: behind a button where there is no room beside the page, and the section on the screen is marked.
const contents = document.getElementById("contents"), nav = document.getElementById("nav");
const openContents = (open) => {
  nav.classList.toggle("open", open);
  contents.setAttribute("aria-expanded", open);
};
root.classList.add("live");
contents.hidden = false;
contents.addEventListener("click", () => openContents(!nav.classList.contains("open")));
nav.addEventListener("click", (event) => { if (event.target.closest("a")) openContents(false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") openContents(false); });
const links = new Map(all("a", nav).map((link) => [link.hash.slice(1), link]));
const headings = [...links.keys()].map((id) => document.getElementById(id));
const markSection = () => {
  const passed = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3);
  const here = links.get((passed.at(-1) ?? headings[0])?.id);
  all("[aria-current]", nav).forEach((link) => link !== here && link.removeAttribute("aria-current"));
  here?.setAttribute("aria-current", "true");
};
let waiting = false;
const soon = () => {
  if (!waiting) requestAnimationFrame(() => { waiting = false; markSection(); });
  waiting = true;
};
document.addEventListener("scroll", soon, { passive: true });
markSection();

// Tables: a button in each header sorts, words in a field filter, and a long table begins with its first rows.
const EMPTY = new Set(["", "—"]);
const value = (cell) => {
  if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
  const text = cell.textContent.trim();
  const number = text.replace(/[\s,\u202f]/g, "").replace("−", "-").match(/^[<+]?(-?\d*\.?\d+(?:e[+-]?\d+)?)/i);
  return EMPTY.has(text) ? null : number ? Number(number[1]) : text.toLowerCase();
};
const compare = (a, b) =>
  typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
const views = new Map();

function view(table) {
  const body = table.tBodies[0], rows = [...body.rows], headers = [...table.tHead.rows].at(-1).cells;
  const words = rows.map((row) => row.textContent.toLowerCase());
  const state = { column: -1, down: false, filter: "", whole: rows.length <= LONG };
  const bar = made("div", { className: "tools" }), count = made("span", { className: "count" });
  count.setAttribute("role", "status");
  const more = made("button", { type: "button", className: "more" });
  more.addEventListener("click", () => set({ whole: true }));

  function set(changes) {
    Object.assign(state, changes);
    const order = rows.map((_, place) => place);
    if (state.column >= 0) {
      const values = rows.map((row) => value(row.cells[state.column])), sign = state.down ? -1 : 1;
      order.sort((a, b) => {
        const x = values[a], y = values[b];
        if (x === null || y === null) return (x === null) - (y === null) || a - b;  // what is missing comes last
        return sign * compare(x, y) || a - b;
      });
    }
    const asked = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const found = order.filter((place) => asked.every((word) => words[place].includes(word)));
    const shown = new Set(state.whole ? found : found.slice(0, LONG));
    order.forEach((place) => { rows[place].hidden = !shown.has(place); });
    body.append(...order.map((place) => rows[place]));
    [...headers].forEach((header, place) => {
      if (place === state.column) header.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    });
    count.textContent = asked.length ? `${found.length} of ${rows.length} rows` : "";
    more.textContent = `Show all ${found.length} rows`;
    more.hidden = shown.size === found.length;
  }

  [...headers].forEach((header, place) => {
    const name = header.textContent.trim();
    if (!name) return;
    const button = made("button", { type: "button", className: "sort" });
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => set({ column: place, down: state.column === place && !state.down }));
  });
  if (rows.length >= FILTERED) {
    const field = made("input", { type: "search", placeholder: `Filter ${rows.length} rows` });
    field.setAttribute("aria-label", `Filter the rows of ${table.caption.textContent}`);
    field.addEventListener("input", () => set({ filter: field.value }));
    bar.append(field, count);
    state.field = field;
  }
  const box = table.closest(".scroll");
  if (bar.childNodes.length) box.before(bar);
  box.after(more);
  views.set(table.id, { state, set });
  set({});
}
all("table.sorts").forEach(view);
for (const table of all("table[class*=hide-]")) {
  const button = made("button", { type: "button", className: "columns", textContent: "Show all columns" });
  button.addEventListener("click", () => { table.classList.add("full"); button.remove(); });
  table.closest(".scroll").before(button);
}
const wholeTables = (whole) => views.forEach(({ set }) => set({ whole }));
addEventListener("beforeprint", () => wholeTables(true));

// A link to a row: what hides it opens. The row that is pointed at offers its own.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target.hidden) views.get(target.closest("table").id)?.set({ whole: true, filter: "" });
  all(".target").forEach((row) => row.classList.remove("target"));
  target.classList.add("target");
  target.scrollIntoView({ block: target.tagName === "TR" ? "center" : "start" });
};
addEventListener("hashchange", reveal);
const rowLink = made("a", { className: "here", textContent: "#", tabIndex: -1 });
rowLink.setAttribute("aria-hidden", "true");
document.addEventListener("mouseover", (event) => {
  const row = event.target.closest?.("tbody tr[id]");
  if (!row || rowLink.parentElement?.parentElement === row) return;
  rowLink.href = "#" + row.id;
  row.cells[0].append(rowLink);
});

// What has to be scrolled sideways can be, by keyboard.
all(".wide figure").forEach((figure) => { if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0; });

// The value of a figure's point that is pointed at.
const tip = made("div", { id: "tip", hidden: true });
document.body.append(tip);
all(".told > title").forEach((title) => {
  title.parentElement.dataset.told = title.textContent;
  title.remove();
});
document.addEventListener("pointerover", (event) => {
  const told = event.target.closest?.(".told");
  tip.hidden = !told;
  if (!told) return;
  const place = told.getBoundingClientRect();
  tip.textContent = told.dataset.told;
  const left = Math.min(place.left + place.width / 2, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${place.top > 60 ? place.top - tip.offsetHeight - 6 : place.bottom + 6}px`;
});

// A page that a sweep still fills loads itself again, and stays where the reader is.
const again = Number(document.body.dataset.again);
if (again) {
  const name = "view of " + location.pathname;
  const before = JSON.parse(session.get(name) ?? "{}");
  for (const [id, { field, ...state }] of Object.entries(before.tables ?? {})) {
    const known = views.get(id);
    if (!known) continue;
    if (known.state.field) known.state.field.value = state.filter;
    known.set(state);
  }
  const folded = all("details");
  (before.open ?? []).forEach((place) => { if (folded[place]) folded[place].open = true; });
  setInterval(() => {
    if (document.hidden || document.activeElement?.tagName === "INPUT") return;  // nobody looks, or somebody writes
    const tables = Object.fromEntries([...views].map(([id, { state }]) => [id, { ...state, field: undefined }]));
    const open = folded.flatMap((one, place) => (one.open ? [place] : []));
    session.set(name, JSON.stringify({ tables, open, top: scrollY }));
    location.reload();
  }, 1000 * again);
  if (before.top !== undefined) addEventListener("load", () => scrollTo({ top: before.top, behavior: "instant" }));
  else reveal();
} else reveal();

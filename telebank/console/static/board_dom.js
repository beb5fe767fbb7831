// Rows to elements by key: what did not change is not touched, so focus and selection stay.
import { secondsSince, spell, t, named } from "./board_words.js";

export const BROWSER = ".browser";
export const at = (id) => document.getElementById(id);

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, yes) {
  if (element.hidden === yes) element.hidden = !yes;
}

export function mark(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function make(tag, values = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

export function turn(holder, name) {
  const use = holder.querySelector("use");
  mark(use, "href", `#i-${name}`);
}

// How a state looks: colour by `look`, and always its own icon beside its word.
const LOOKS = {
  ready: ["ready", "ready"],
  ringing: ["alarm", "ringing"],
  talking: ["talking", "talking"],
  held: ["talking", "held"],
  consulting: ["talking", "talking"],
  three_way: ["talking", "talking"],
  pin: ["talking", "pin"],
  waiting: ["alarm", "waiting"],
  wrap_up: ["wrap", "wrap_up"],
  busy: ["off", "busy"],
  break: ["off", "break"],
  offline: ["off", "off"],
};
export const look = (state) => (LOOKS[state] ?? LOOKS.offline)[0];
export const iconOf = (state) => (LOOKS[state] ?? LOOKS.offline)[1];

// By what somebody talks; an extension is its number.
export const phoneOf = (row) => (row.phone === BROWSER ? t("by_browser") : row.phone);

export function reason(row) {
  if (row.line === "lost") return t("line_lost");
  return row.reason ? named("reason", row.reason) : "";
}

// Keeps one child for each item, in the items' order.
export function list(holder, items, key, build, update) {
  const there = new Map([...holder.children].map((child) => [child.dataset.row, child]));
  let before = null;
  for (const item of items) {
    const name = key(item);
    let child = there.get(name);
    there.delete(name);
    if (!child) {
      child = build(item);
      child.dataset.row = name;
    }
    const wanted = before ? before.nextSibling : holder.firstChild;
    if (child !== wanted) holder.insertBefore(child, wanted);
    update(child, item);
    before = child;
  }
  for (const child of there.values()) child.remove();
}

export function since(element, utc) {
  mark(element, "data-since", utc ?? "");
  tick(element);
}

function tick(element) {
  const from = element.dataset.since;
  put(element, from ? spell(secondsSince(from)) : element.dataset.none ?? "");
}

// What is another with each second, and no mere time.
const ticking = new Map();
export function ticks(element, words) {
  ticking.set(element, words);
  put(element, words());
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-since]")) tick(element);
  for (const [element, words] of ticking) put(element, words());
}, 1000);

// Says a thing for a while: what was done, or why not.
let silence = 0;
export function tell(text, bad = false) {
  const told = at("told");
  put(told, text);
  told.className = bad ? "told bad" : "told";
  show(told, text !== "");
  clearTimeout(silence);
  silence = setTimeout(() => show(told, false), bad ? 9000 : 4000);
}

export function sure(text, yes) {
  const dialog = at("sure");
  put(at("sure-words"), text);
  put(at("sure-yes"), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  at("sure-no").focus();
  return new Promise((go) => dialog.addEventListener("close", () => go(dialog.returnValue === "yes"), { once: true }));
}

export { t };

// Keys of the desk, each its own by choice, kept in this browser. They press buttons: what a button
// may not do now, its key does not either.
import { at, list, make, put, t } from "./board_dom.js";

const DEFAULTS = { answer: "F2", hold: "F4", consult: "F6", transfer: "F7", ready: "F8", wrapped: "F9", mute: "Alt+M", serve: "Alt+S", dial: "Alt+C", knowledge: "Alt+K" };
const ACTS = ["answer", "hold", "consult", "three_way", "transfer", "pin", "unlock", "menu", "hang_up", "ready", "busy", "break", "wrapped", "mute", "serve", "dial", "knowledge"];
const WORDS = { wrapped: "wrap", serve: "services", dial: "dial_number" };
const KEPT = "telebank.desk.keys";
let keys = kept();
let asking = "";

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return found && typeof found === "object" ? found : { ...DEFAULTS };
  } catch {
    return { ...DEFAULTS };
  }
}

function keep(chosen) {
  keys = chosen;
  try {
    localStorage.setItem(KEPT, JSON.stringify(keys));
  } catch {
    // a browser that keeps nothing has them until it is closed
  }
  paint();
}

export const keyOf = (act) => keys[act] ?? "";

// A key as people write it: F2, Ctrl+Alt+H.
function spelled(event) {
  if (["Control", "Alt", "Shift", "Meta"].includes(event.key)) return "";
  const name = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey ? "Shift+" : ""}${name}`;
}

// Keys that write text are no keys of acts: a note would answer calls.
const writes = (key) => !/^(F\d{1,2}|(Ctrl|Alt)\+.+)$/.test(key);

function paint() {
  for (const cap of document.querySelectorAll("[data-key]")) {
    const key = keyOf(cap.dataset.key);
    put(cap, key);
    cap.hidden = !key;
    cap.closest("button")?.toggleAttribute("aria-keyshortcuts", false);
    if (key) cap.closest("button")?.setAttribute("aria-keyshortcuts", key.replace("Ctrl", "Control"));
  }
  const build = (act) => {
    const button = make("button", { type: "button", class: "plain" }, make("span"), make("kbd"));
    button.addEventListener("click", () => {
      asking = act;
      paint();
    });
    return make("li", {}, button);
  };
  list(at("keys-list"), ACTS, (act) => act, build, (row, act) => {
    put(row.querySelector("span"), t(WORDS[act] ?? act));
    put(row.querySelector("kbd"), asking === act ? t("keys_press") : keyOf(act) || t("keys_unset"));
  });
}

export function listen(press) {
  paint();
  at("keys-open").addEventListener("click", () => at("keys").showModal());
  at("keys-reset").addEventListener("click", () => keep({ ...DEFAULTS }));
  at("keys").addEventListener("close", () => {
    asking = "";
    paint();
  });
  addEventListener("keydown", (event) => {
    const key = spelled(event);
    if (!key || event.repeat) return;
    if (asking) return choose(event, key);
    const act = Object.keys(keys).find((name) => keys[name] === key);
    if (!act) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) press(act);
  });
}

function choose(event, key) {
  event.preventDefault();
  event.stopPropagation();
  const act = asking;
  asking = "";
  if (key === "Escape") return paint();
  if (writes(key) && !["Delete", "Backspace"].includes(key)) {
    asking = act;
    return undefined;
  }
  const others = Object.fromEntries(Object.entries(keys).filter(([name, held]) => name !== act && held !== key));
  return keep(writes(key) ? { ...others, [act]: "" } : { ...others, [act]: key });
}

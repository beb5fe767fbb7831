// Articles at the desk: those of the business that the caller came for, searched without leaving the
// call. It is no dialog: the keys of the desk go on.
import { at, make, show } from "./board_dom.js";
import { knowledge } from "./knowledge.js";

const panel = at("knowledge");
let flow = "";
let listed = null; // of which call and business the list is
let from = null;

const search = knowledge(panel, { more: () => (flow ? { here: flow } : {}), opened });
const of = (call) => (call ? `${call.key} ${call.business}` : "");

// A form that the caller can have now is one press away.
function opened(_id, pane) {
  const service = at("s-service");
  for (const place of pane.querySelectorAll("[data-service]")) {
    const name = place.dataset.service;
    if (!service.checkVisibility() || ![...service.options].some((one) => one.value === name)) continue;
    const button = make("button", { type: "button", class: "plain" }, place.textContent);
    button.addEventListener("click", () => {
      service.value = name;
      service.dispatchEvent(new Event("change", { bubbles: true }));
      service.focus();
    });
    place.replaceWith(button);
  }
}

function begin(call, auto) {
  listed = of(call);
  search.input.value = "";
  panel.querySelector("select").value = "";
  panel.classList.remove("k-opened");
  search.find(auto);
}

// Whoever is called up while the panel is open finds his business there; what was read stays until then.
export function paintKnowledge(call) {
  flow = call?.business ?? flow;
  if (!panel.hidden && call && listed !== of(call)) begin(call, true);
}

export function toggle(call) {
  if (panel.contains(document.activeElement)) return close();
  if (panel.hidden) {
    from = document.activeElement;
    show(panel, true);
    if (listed === null || listed !== of(call)) begin(call, false);
  }
  search.input.focus();
}

function close() {
  show(panel, false);
  from?.focus({ preventScroll: true });
}

// It hides nothing of own state, line and Mute, however many rows they take.
const above = document.querySelector(".mine");
const place = () => panel.style.setProperty("--above", `${above.offsetTop + above.offsetHeight}px`);
const watched = new ResizeObserver(place);
for (const element of [above, document.body]) watched.observe(element);

at("k-close").addEventListener("click", close);
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  close();
});

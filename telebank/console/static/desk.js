// The teller's screen: own state, own call, own queues. It decides nothing: the node has the call.
import { calling, lastTry, queueName, stateIcon, stateOf, wayOf, whyNot } from "./board_calls.js";
import { act, board, link, look as watch, remember, remembered } from "./board_stream.js";
import { at, BROWSER, iconOf, list, look, make, mark, put, reason, show, since, sure, t, tell, turn } from "./board_dom.js";
import { clock, facts, named, secondsSince, spell } from "./board_words.js";
import { paintCustomer } from "./desk_customer.js";
import { giveUp, listenDial, mayDial, paintDial } from "./desk_dial.js";
import { keyOf, listen } from "./desk_keys.js";
import { paintKnowledge, toggle } from "./desk_knowledge.js";
import { keepPage, whyLeft } from "./desk_leaving.js";
import { forgetNote, paintNote, sendLeft, sendNote } from "./desk_note.js";
import { follow, leave, microphone, mute } from "./desk_phone.js";
import { paint as paintPicker, pick } from "./desk_picker.js";
import { history, paintSide } from "./desk_side.js";
import { paintServices, serve, triesLeft } from "./desk_services.js";

const PHONE = "telebank.desk.phone";
const KIND = "telebank.desk.kind";
const SAT = "telebank.desk.sat";
const EVERY = ["answer", "hang_up", "hold", "consult", "three_way", "transfer", "pin", "unlock", "menu"];
// What can be done in which state of the call; the node has the last word.
const MAY = {
  ringing: ["answer", "hang_up"],
  talking: ["hang_up", "hold", "consult", "transfer", "pin", "unlock", "menu"],
  held: ["hang_up", "hold", "consult", "transfer", "menu"],
  consulting: ["hang_up", "consult", "three_way", "transfer"],
  three_way: ["hang_up", "consult", "transfer"],
  pin: ["hang_up", "pin"],
};
// What is longer is the card number, which is asked for first where he gave none.
const LONGEST_PIN = 12;
const KEYED = { identity: "identity_entry", code: "code_entry" };
const TITLE = document.title;
let card = null;
let heardState = "";
let heardCall = "";
let asked = false;
let sat = remembered(SAT) === facts.me; // at a desk, as far as this tab saw
let leaving = false; // by his own word
let left = ""; // why he sits here no more, as a word of the page
const busy = new Set();

const me = () => board.SeatRow.get(facts.me);

// -- what is shown ------------------------------------------------------------------------------

function paint() {
  const seat = me();
  const there = seat !== undefined && seat.state !== "offline";
  show(at("desk"), there);
  show(at("enter"), !there);
  follow(there ? seat : undefined);
  keepPage(there);
  if (!there) {
    paintAway();
    if (!at("phone").value) at("phone").value = stored(PHONE);
    if (!asked && stored(KIND) === BROWSER) at("kind-browser").checked = true;
    kinds();
    if (!at("enter").contains(document.activeElement) && !asked) (inBrowser() ? at("kind-browser") : at("phone")).focus();
    asked = true;
    return;
  }
  if (!sat) remember(SAT, facts.me);
  [asked, sat, left, link.restarted] = [false, true, "", ""];
  paintMine(seat);
  paintCall(seat);
  paintSide(seat);
  paintPicker();
  announce(seat);
}

// Nobody sits here: since when is not known, why is, and what was at hand is gone from the page.
function paintAway() {
  if (sat && !left) left = whyLeft(leaving);
  if (sat) put(at("said"), t("said_state", { state: t("state_offline") }));
  if (sat) remember(SAT, "");
  [sat, leaving, card, heardState, heardCall] = [false, false, null, "", ""];
  const why = left === "left_not_by_me" && !link.up ? "left_unconnected" : left;
  put(at("enter-why"), why ? t(why, { since: link.restarted }) : "");
  show(at("enter-why"), left !== "");
  mark(at("enter-why"), "data-look", left === "left" ? "off" : "alarm");
  document.title = `${t("state_offline")} · ${TITLE}`;
  sendLeft("");
}

function paintMine(seat) {
  mark(at("now"), "data-look", look(seat.state));
  turn(at("now"), iconOf(seat.state));
  put(at("mine-word"), named("state", seat.state));
  put(at("mine-why"), reason(seat));
  since(at("mine-time"), seat.since);
  put(at("extension"), seat.phone);
  show(at("extension").parentElement, seat.phone !== BROWSER);
  put(at("after"), seat.next_state ? t("after", { state: named("state", seat.next_state) }) : "");
  const own = seat.next_state || seat.state;
  for (const name of ["ready", "busy", "break"]) {
    mark(document.querySelector(`[data-act=${name}]`), "aria-pressed", own === name);
  }
  able(document.querySelector("[data-act=leave]"), !["ringing", "talking"].includes(seat.state));
}

// The call in hand; in wrap-up the one that was.
function callOf(seat) {
  const call = board.CallRow.get(seat.call) ?? [...board.CallRow.values()].find((row) => row.seat === seat.key && row.state !== "waiting");
  if (call) card = call;
  if (seat.state === "wrap_up" && card) return { ...card, state: "wrap_up", since: seat.since, pin: "" };
  if (!call) card = null;
  return call;
}

function paintCall(seat) {
  const call = callOf(seat);
  show(at("card"), call !== undefined);
  show(at("no-call"), call === undefined);
  put(at("no-call-hint"), seat.state === "ready" ? t("no_call_ready") : t("no_call_not_ready"));
  mark(at("call"), "data-look", call ? look(call.state) : "none");
  paintServices(call);
  paintCustomer(call);
  paintKnowledge(call);
  paintDial(seat, call);
  able(button("dial"), mayDial(seat, call));
  sendLeft(call?.key ?? "");
  if (!call) return;
  paintNote(call);
  turn(at("call").querySelector(".stand"), stateIcon(call));
  put(at("call-state"), stateOf(call));
  since(at("call-time"), call.since);
  const paused = call.recording && call.state === "pin";
  put(at("recording").querySelector("span"), t(paused ? "recording_paused" : call.recording ? "recording" : "not_recording"));
  mark(at("recording"), "data-on", call.recording && !paused);
  show(at("recording"), !["ringing", "wrap_up"].includes(call.state));
  put(at("f-caller"), call.caller || t("unknown"));
  put(at("f-language"), named("lang", call.language));
  const way = wayOf(call);
  turn(at("f-way"), way.icon);
  put(at("f-way").querySelector("span"), way.words);
  const warned = call.limit ? t("limit_near", { why: whyNot(call.limit) }) : lastTry(call);
  show(at("f-tried"), warned !== "");
  put(at("f-tried").querySelector("span"), warned);
  put(at("f-level").querySelector("span"), named("level", call.level));
  mark(at("f-level"), "data-level", call.level);
  turn(at("f-level"), call.level > 1 ? "ready" : "alarm");
  put(at("f-customer"), call.customer || t("unknown"));
  put(at("f-business"), call.business ? named("business", call.business) : t("none"));
  put(at("f-queue"), queueName(call.queue) || t("none"));
  put(at("f-waited"), spell(waited(call)));
  put(at("f-began"), clock(call.began));
  show(at("f-with-line"), call.others.length > 0);
  put(at("f-with"), call.others.map(nameOf).join(", "));
  const steps = call.path.map((pair, place) => ({ place: String(place), word: pair[facts.lang === "en" ? 1 : 0] }));
  list(at("f-path"), steps, (step) => step.place, () => make("li"), (row, step) => put(row, step.word));
  put(at("f-keys"), call.keys || t("none"));
  show(at("f-path").parentElement, steps.length > 0 || call.keys !== "");
  paintPin(call);
  paintActs(call, seat);
  paintWrap(call);
}

const nameOf = (key) => board.SeatRow.get(key.replace(/^seat:/, ""))?.name ?? key.replace(/^number:/, "");
const waited = (call) => call.waited_s + (["waiting", "ringing"].includes(call.state) ? secondsSince(call.since) : 0);

function paintPin(call) {
  const [n, of] = call.pin.split(" of ").map(Number);
  const entering = call.state === "pin";
  show(at("pin"), entering || call.pin_result !== "");
  const good = ["verified", "unlocked"].includes(call.pin_result);
  mark(at("pin"), "data-look", entering ? "talking" : good ? "ready" : "alarm");
  turn(at("pin"), entering ? "pin" : good ? "ready" : "alarm");
  const keyed = `${t(KEYED[call.step] ?? (of > LONGEST_PIN ? "card_entry" : "pin_entry"))} · ${t("pin_of", { n: n || 0, of: of || 6 })}`;
  const words = entering && call.step === "terms" ? t("service_terms") : entering ? keyed : named("pin", call.pin_result);
  put(at("pin-words"), words + triesLeft(call));
  show(at("pin-dots"), entering);
  show(at("pin-hint"), entering);
  put(at("pin-dots"), entering ? "●".repeat(n || 0) + "○".repeat(Math.max(0, (of || 6) - (n || 0))) : "");
}

function paintActs(call, seat) {
  const may = MAY[call.state] ?? [];
  for (const name of EVERY) able(button(name), may.includes(name));
  show(button("answer").parentElement, call.state !== "wrap_up");
  if (seat.phone === BROWSER) able(button("answer"), seat.rings);
  label("hang_up", call.state === "ringing" && (call.call_back || !calling(call)) ? "decline" : "hang_up");
  label("pin", call.state === "pin" ? "pin_end" : "pin");
  label("hold", call.state === "held" ? "resume" : "hold");
  label("consult", ["consulting", "three_way"].includes(call.state) ? "consult_end" : "consult");
  label("transfer", ["consulting", "three_way"].includes(call.state) ? "hand_over" : "transfer");
}

function paintWrap(call) {
  show(at("wrap"), call.state !== "ringing");
  able(button("wrapped"), call.state === "wrap_up");
  mark(at("wrap"), "data-now", call.state === "wrap_up");
}

// What somebody who does not look at the screen hears, and a tab in the background shows.
function announce(seat) {
  const call = callOf(seat);
  const ringing = call?.state === "ringing";
  document.title = ringing ? t(calling(call) ? "calling_title" : "ringing_title", { caller: call.caller }) : `${named("state", seat.state)} · ${TITLE}`;
  const state = call && seat.state !== "wrap_up" ? `call_${call.state}` : `state_${seat.state}`;
  if (ringing && call.key !== heardCall) {
    const key = keyOf("answer") || t("answer");
    const words = !calling(call) ? "said_ringing" : call.call_back ? "said_back" : "said_calling";
    put(at("said"), t(words, { caller: call.caller, queue: queueName(call.queue), level: named("level", call.level), key }));
  } else if (!ringing && state !== heardState) {
    put(at("said"), t("said_state", { state: t(state) }));
  }
  if (state !== heardState) {
    if (seat.state === "wrap_up") at("note").focus({ preventScroll: true });
    if (heardState === "" || ["state_wrap_up", "state_ready"].includes(state)) history();
  }
  heardState = state;
  heardCall = ringing ? call.key : "";
}

// -- acts -----------------------------------------------------------------------------------------

const button = (name) => document.querySelector(`button[data-act=${name}]`);
const label = (name, word) => put(button(name).querySelector("span"), t(word));
// Not `disabled`: who has the focus on it keeps it.
const able = (element, yes) => mark(element, "aria-disabled", !yes || busy.has(element.dataset.act));

function stored(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // a browser that keeps nothing asks again
  }
}

// One of a name at a time; undefined: it is being done.
async function once(name, ask) {
  if (busy.has(name)) return undefined;
  busy.add(name);
  paint();
  const answer = await ask();
  busy.delete(name);
  paint();
  return answer;
}

async function run(name, path, body) {
  const answer = await once(name, () => act(path, body));
  if (!answer) return false;
  if (answer.done) tell("");
  else tell(path === "answer" && answer.code === "wrong_state" && me()?.phone !== BROWSER ? t("no_answer") : answer.words, true);
  return answer.done;
}

const target = (title, withQueues, path, more = {}) => pick(t(title), withQueues, (to) => run(path, path, { to, ...more }));

const ACTS = {
  answer: () => run("answer", "answer"),
  hang_up: (call) => {
    giveUp(call);
    return run("hang_up", "hang_up");
  },
  hold: (call) => run("hold", call.state === "held" ? "resume" : "hold"),
  consult: (call) => (call.others.length || call.state === "consulting" ? run("consult", "consult_end") : target("pick_consult", false, "consult")),
  three_way: () => run("three_way", "three_way"),
  transfer: (call) => (["consulting", "three_way"].includes(call.state) ? run("transfer", "transfer", { blind: false }) : target("pick_transfer", true, "transfer", { blind: true })),
  pin: (call) => run("pin", call.state === "pin" ? "resume" : "pin"),
  unlock: async () => (await sure(t("unlock_sure"), t("unlock"))) && run("unlock", "unlock"),
  menu: async () => (await sure(t("menu_sure"), t("menu"))) && run("menu", "menu"),
  ready: () => run("ready", "state", { state: "ready" }),
  busy: () => run("busy", "state", { state: "busy" }),
  break: () => run("break", "state", { state: "break", reason: at("reason").value }),
  leave: async () => {
    if (!(await sure(t("leave_sure"), t("leave")))) return;
    leaving = true;
    if (!(await run("leave", "leave"))) leaving = false;
  },
  mute: () => mute(),
  dial: () => at("dial-number").focus(),
  serve,
  knowledge: () => toggle(card),
  wrapped: async () => {
    if (!(await note())) return;
    if (await run("wrapped", "wrapped")) forgetNote();
  },
};

const note = () => sendNote((body) => run("note", "note", body));

function press(name) {
  const pressed = button(name);
  if (!pressed || pressed.getAttribute("aria-disabled") === "true" || !me()) return;
  ACTS[name](card ?? { state: "", others: [] });
}

// -- begin ----------------------------------------------------------------------------------------

for (const each of document.querySelectorAll("button[data-act]")) {
  if (each.type !== "submit") each.addEventListener("click", () => press(each.dataset.act));
}
at("wrap").addEventListener("submit", (event) => {
  event.preventDefault();
  press("wrapped");
});
at("save").addEventListener("click", async () => (await note()) && tell(t("saved")));
const inBrowser = () => at("kind-browser").checked;

function kinds() {
  show(at("phone-field"), !inBrowser());
  show(at("browser-hint"), inBrowser());
  at("phone").required = !inBrowser();
}

at("enter").addEventListener("change", kinds);
at("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const phone = inBrowser() ? BROWSER : at("phone").value.trim();
  store(KIND, inBrowser() ? BROWSER : "");
  if (!inBrowser()) store(PHONE, phone);
  const missing = inBrowser() ? await microphone() : "";
  put(at("enter-problem"), missing ? t(missing) : "");
  show(at("enter-problem"), missing !== "");
  if (missing) return;
  if (await run("enter", "enter", { phone })) button("ready").focus();
  else leave();
});
listenDial(once);
listen(press);
watch(paint);

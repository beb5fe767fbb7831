// Services that a teller does for his caller: forms, read-back, the caller's PIN, the result. The node
// makes the forms and does it once; this draws them, and asks how it stands.
import { act, ask } from "./board_stream.js";
import { at, list, make, mark, put, show, t, tell, turn } from "./board_dom.js";
import { facts, named } from "./board_words.js";

const POLL_MS = 700;
const TALKS = ["talking", "held", "consulting", "three_way", "pin"];
const LOOKS = { done: ["ready", "ready"], in_doubt: ["alarm", "alarm"], refused: ["off", "busy"], not_done: ["off", "busy"] };
let call = null; // the row of the board, in hand or just over
let offer = null; // forms for this caller
let loading = "";
let form = null;
let slip = null;
let result = null;
let busy = false;
let timer = 0;

const mine = (pair) => pair[facts.lang === "en" ? "en" : "zh"];
const inCall = () => call !== null && TALKS.includes(call.state);

// What the caller is told is in his language, with the teller's below where that is another.
function say(holder, pair) {
  const of = call?.language === "en" ? "en" : "zh";
  const own = facts.lang === "en" ? "en" : "zh";
  const texts = of === own ? [of] : [of, own];
  list(holder, texts, (one) => one, (one) => make("p", { lang: one }), (line, one) => put(line, pair[one]));
}

// -- the caller -----------------------------------------------------------------------------------

export function paintServices(row) {
  const other = row?.key !== call?.key;
  const told = call?.step === "result" && row?.step !== "result";
  if (row === undefined || other) forget();
  call = row ?? null;
  const there = call !== null && (inCall() || slip !== null || result !== null) && call.state !== "ringing";
  show(at("services"), there);
  if (!there) return;
  const stands = `${call.key} ${call.level} ${call.customer}`;
  if (inCall() && loading !== stands) load(stands);
  if ((slip?.state === "pin" && call.state !== "pin") || (slip?.state === "done" && told)) look();
  draw();
}

function forget() {
  clearTimeout(timer);
  [offer, form, slip, result, loading] = [null, null, null, null, ""];
  at("s-fields").replaceChildren();
}

async function load(stands) {
  loading = stands;
  const found = await get(facts.services, { call: call.key });
  if (!found || loading !== stands) {
    if (loading === stands) loading = "";
    return;
  }
  const first = offer === null;
  offer = found;
  options();
  if (first) {
    const last = found.last;
    if (last && last.state !== "done") {
      choose(last.service);
      stand(last);
    } else {
      choose(found.business);
    }
  }
  draw();
}

async function get(path, query) {
  try {
    const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
    if (answer.status === 401) location.reload();
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the banner says that the console is away
  }
}

// -- forms ----------------------------------------------------------------------------------------

function options() {
  const chosen = at("s-service").value;
  const group = (name, forms) => {
    const holder = make("optgroup", { label: t(name) });
    for (const one of forms) {
      const needs = one.level > offer.level ? ` (${t(`service_needs_${one.level}`)})` : "";
      holder.append(make("option", { value: one.service }, mine(one.title) + needs));
    }
    return holder;
  };
  const moves = offer.forms.filter((one) => one.effect !== "read");
  const tells = offer.forms.filter((one) => one.effect === "read");
  at("s-service").replaceChildren(make("option", { value: "" }, t("service_choose")), group("service_moves", moves), group("service_tells", tells));
  at("s-service").value = chosen;
}

function choose(service) {
  form = offer?.forms.find((one) => one.service === service) ?? null;
  at("s-service").value = form?.service ?? "";
  at("s-fields").replaceChildren(...(form?.fields ?? []).map(field));
}

function field(one) {
  const id = `s-f-${one.name}`;
  const told = [one.own ? t("service_own") : one.optional ? t("service_optional") : "", mine(one.help)].filter(Boolean).join(" · ");
  const values = { id, name: one.name, "aria-describedby": `${id}-help ${id}-wrong`, autocomplete: "off" };
  let input;
  if (one.choices.length) {
    input = make("select", values, make("option", { value: "" }, one.optional ? t("none") : t("choose")));
    for (const choice of one.choices) input.append(make("option", { value: choice.code }, mine(choice)));
  } else {
    const keys = { card_no: "numeric", digits: "text", number: "numeric", money: "decimal", rate: "decimal" }[one.kind];
    input = make("input", { ...values, type: one.kind === "date" ? "date" : "text", maxlength: one.kind === "card_no" ? 40 : Math.max(one.longest, 16), ...(keys ? { inputmode: keys } : {}) });
  }
  return make("p", {}, make("label", { for: id }, mine(one.label)), input, make("small", { id: `${id}-help` }, told), make("small", { id: `${id}-wrong`, class: "wrong", role: "alert" }));
}

const written = () => Object.fromEntries([...at("s-fields").querySelectorAll("input, select")].filter((input) => input.value.trim()).map((input) => [input.name, input.value.trim()]));

function complain(wrong) {
  let first = null;
  for (const input of at("s-fields").querySelectorAll("input, select")) {
    const words = wrong[input.name];
    mark(input, "aria-invalid", words !== undefined);
    put(at(`${input.id}-wrong`), words ? mine(words) : "");
    if (words) first ??= input;
  }
  first?.focus();
}

async function quote(more = {}) {
  if (!form || busy) return;
  busy = true;
  draw();
  const of = call.key;
  const answer = await ask(`${facts.services}/quote`, { call: of, service: form.service, fields: { ...written(), ...more } });
  busy = false;
  if (call?.key !== of) return;
  if (!answer.done) tell(answer.words, true);
  else if (answer.state === "wrong") complain(answer.fields);
  else {
    complain({});
    stand(answer.slip ? answer : null, answer.slip ? null : answer.result);
    at(result ? "s-kind" : "s-title").focus();
  }
  draw();
}

// -- read-back, and the caller's word ----------------------------------------------------------------

function stand(next, told = null) {
  slip = next;
  result = told ?? next?.result ?? null;
  clearTimeout(timer);
  if (slip?.state === "working") timer = setTimeout(look, POLL_MS);
}

async function look() {
  const of = slip;
  if (!of) return;
  const found = await get(`${facts.services}/slip`, { call: call.key, slip: of.slip });
  if (slip?.slip !== of.slip) return;
  if (found) {
    const ended = found.state === "done" && of.state !== "done";
    stand(found);
    draw();
    if (ended) at("s-kind").focus();
  } else {
    clearTimeout(timer);
    timer = setTimeout(look, POLL_MS);
  }
}

async function does(name) {
  if (!slip || busy) return;
  busy = true;
  draw();
  const of = slip.slip;
  const answer = await ask(`${facts.services}/${name}`, { call: call.key, slip: of });
  busy = false;
  if (slip?.slip !== of) return;
  if (answer.done) stand(answer);
  else tell(answer.words, true);
  draw();
  if (answer.done && result && name === "confirm") at("s-kind").focus();
}

function change() {
  stand(null);
  draw();
  at("s-service").focus();
}

// Nothing of the last form is in the next.
function another() {
  choose("");
  change();
}

// -- drawing --------------------------------------------------------------------------------------

function draw() {
  show(at("s-form"), slip === null && result === null && inCall());
  show(at("s-slip"), slip !== null && result === null);
  show(at("s-result"), result !== null);
  drawForm();
  if (slip !== null && result === null) drawSlip();
  if (result !== null) drawResult();
}

function drawForm() {
  const wants = form?.pin ? Math.min(form.level, 2) : form?.level; // a second factor is shown as he signs
  const lacking = form && offer && wants > offer.level ? wants : 0;
  put(at("s-hint"), lacking ? t(lacking > 2 ? "service_prove_more" : "service_prove") : "");
  show(at("s-hint"), lacking > 0);
  put(at("s-quote"), busy ? t("service_asking") : t(form?.effect === "read" ? "service_ask" : "service_quote"));
  mark(at("s-quote"), "aria-disabled", busy || !form || lacking > 0 || call?.state === "pin");
}

function lines(holder, rows) {
  list(holder, rows, (row) => row.name, () => make("div", {}, make("dt"), make("dd")), (line, row) => {
    put(line.children[0], mine(row.label));
    put(line.children[1], mine(row.value));
  });
}

function drawSlip() {
  put(at("s-title"), `${mine(titleOf(slip.service))} · ${t("service_read")}`);
  show(at("s-again"), slip.again);
  lines(at("s-lines"), slip.lines);
  say(at("s-aloud"), slip.aloud);
  const open = slip.state === "open";
  put(at("s-state"), stateWords());
  show(at("s-stop"), slip.state === "pin");
  put(at("s-confirm"), t(slip.factor ? "service_confirm_code" : slip.pin ? "service_confirm_pin" : "service_confirm"));
  mark(at("s-confirm"), "aria-disabled", busy || !open || call?.state !== "talking" || slip.left_s === 0);
  mark(at("s-change"), "aria-disabled", busy || !open);
}

function stateWords() {
  if (slip.state === "working") return t("service_working");
  if (slip.state === "pin") {
    if (call?.step === "terms") return t("service_terms");
    const [n, of] = (call?.pin ?? "").split(" of ").map(Number);
    return `${t(call?.step === "code" ? "service_code" : "service_pin")} · ${t("pin_of", { n: n || 0, of: of || 6 })}${triesLeft(call)}`;
  }
  if (slip.left_s === 0) return t("service_over");
  return slip.entry ? t("service_entry", { why: named("entry", slip.entry) + triesLeft(call) }) : "";
}

// Behind the words of a PIN entry: how many tries are left after a wrong one.
export function triesLeft(call) {
  const left = call?.tries_left ?? null;
  return left === null ? "" : ` · ${t(left > 1 ? "tries_left" : `tries_left_${left}`, { n: left })}`;
}

const titleOf = (service) => offer?.forms.find((one) => one.service === service)?.title ?? { zh: service, en: service };

function drawResult() {
  const [looks, icon] = LOOKS[result.kind];
  mark(at("s-result"), "data-look", looks);
  turn(at("s-kind"), icon);
  const kind = slip === null && result.kind === "done" ? "answer" : result.kind;
  put(at("s-kind").querySelector("span"), `${t(`service_${kind}`)}${result.reference ? ` · ${t("service_reference")} ${result.reference}` : ""}`);
  say(at("s-words"), result.words);
  put(at("s-advice"), mine(result.advice));
  show(at("s-advice"), mine(result.advice) !== "");
  lines(at("s-told-lines"), result.lines);
  table(result.table);
  const told = slip !== null && slip.told;
  put(at("s-knows"), told ? t("service_was_told") : slip !== null && call?.step === "result" ? t("service_telling") : "");
  for (const name of ["s-say", "s-told"]) show(at(name), slip !== null && !told && inCall());
  show(at("s-more"), result.cursor !== "" && inCall());
  show(at("s-next"), inCall());
  mark(at("s-more"), "aria-disabled", busy);
}

function table(told) {
  show(at("s-table"), told !== null);
  if (!told) return;
  const [head, body] = [at("s-table").tHead, at("s-table").tBodies[0]];
  head.replaceChildren(make("tr", {}, ...told.columns.map((name) => make("th", { scope: "col" }, mine(name)))));
  body.replaceChildren(...told.rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, mine(cell))))));
}

// -- begin ----------------------------------------------------------------------------------------

export const serve = () => {
  if (!at("services").hidden) at(result ? "s-next" : slip ? "s-confirm" : "s-service").focus();
};

const pressed = (id, does) => at(id).addEventListener("click", () => at(id).getAttribute("aria-disabled") !== "true" && does());
at("s-service").addEventListener("change", () => {
  choose(at("s-service").value);
  draw();
});
at("s-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("s-quote").getAttribute("aria-disabled") !== "true") quote();
});
pressed("s-change", change);
pressed("s-stop", async () => {
  const answer = await act("resume");
  if (!answer.done) tell(answer.words, true);
});
pressed("s-confirm", () => does("confirm"));
pressed("s-say", () => does("say"));
pressed("s-told", () => does("told"));
pressed("s-more", () => quote({ cursor: result.cursor }));
pressed("s-next", another);
setInterval(() => {
  if (slip?.state === "open" && slip.left_s > 0) {
    slip.left_s -= 1;
    if (slip.left_s === 0) draw();
  }
}, 1000);

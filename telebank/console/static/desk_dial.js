// A number to be called: its field while the seat may call, and beside it why nothing came of it.
// The node judges numbers; the field is kept where it says no, and nowhere else.
import { calling, whyNot } from "./board_calls.js";
import { at, put, show, t } from "./board_dom.js";
import { act, board } from "./board_stream.js";
import { has } from "./board_words.js";

const CALLS = ["ready", "busy"];
let tried = null;
let given = false;

export const mayDial = (seat, call) => CALLS.includes(seat.state) && call === undefined;

function problem(words) {
  put(at("dial-problem"), words);
  show(at("dial-problem"), words !== "");
}

export function paintDial(seat, call) {
  show(at("dial"), mayDial(seat, call));
  if (calling(call)) {
    if (call.key !== tried?.key) given = false;
    tried = call;
    problem("");
  } else if (!call || call.state === "wrap_up") {
    if (tried && !given) problem(notReached(tried, seat));
    tried = null;
  } else if (call.state !== "waiting") {
    tried = null;
    problem("");
  }
}

// The node says why: of whom it keeps in his row, of a call of one's own in the seat's.
function notReached(call, seat) {
  const kept = board.CallRow.get(call.key);
  const why = whyNot(call.call_back ? kept?.not_reached ?? "" : seat.not_called ?? "");
  if (call.call_back) return why ? t("dial_kept", { caller: call.caller, why }) : "";
  return t(why ? "dial_failed_why" : "dial_failed", { caller: call.caller, why });
}

// Who hangs up himself knows why nobody was reached.
export function giveUp(call) {
  if (calling(call)) given = true;
}

async function dial(once) {
  problem("");
  const answer = await once("dial", () => act("call", { number: at("dial-number").value.trim() }));
  if (!answer) return;
  if (answer.done) at("dial-number").value = "";
  else problem(has(`dial_no_${answer.code}`) ? t(`dial_no_${answer.code}`) : answer.words);
}

// `once`: one of a name at a time.
export function listenDial(once) {
  at("dial-number").addEventListener("input", () => problem(""));
  at("dial").addEventListener("submit", (event) => {
    event.preventDefault();
    dial(once);
  });
}

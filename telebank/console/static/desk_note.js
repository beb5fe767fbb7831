// The note of a call: written during it, kept by the browser until the node has it. What was written
// and not sent when its call was gone (a wrap-up that ran out, a node that was away) is sent then.
import { act, board, link } from "./board_stream.js";
import { at, make, t, tell } from "./board_dom.js";
import { facts, named } from "./board_words.js";

const DRAFT = "telebank.desk.note";
const AGAIN_MS = 10000;
let tried = 0;

function kept() {
  try {
    const [call, about, text, sent, by] = JSON.parse(localStorage.getItem(DRAFT) || "[]");
    return call && by === facts.me ? { call, about, text, sent } : null;
  } catch {
    return null;
  }
}

function keep(draft) {
  try {
    localStorage.setItem(DRAFT, draft ? JSON.stringify([draft.call, draft.about, draft.text, Boolean(draft.sent), facts.me]) : "");
  } catch {
    // a browser that keeps nothing has it until it is closed
  }
}

const written = () => ({ call: at("wrap").dataset.call, about: at("about").value, text: at("note").value.trim() });

// What he was at in the menus can be chosen, by the name that it has there.
function about(business) {
  const options = [...at("about").options];
  if (business && !options.some((option) => option.value === business)) at("about").append(make("option", { value: business }, named("business", business)));
  return business;
}

// The form of this call, with what was written before the page was loaded anew.
export function paintNote(call) {
  if (at("wrap").dataset.call === call.key) return;
  at("wrap").dataset.call = call.key;
  const draft = kept();
  const own = draft?.call === call.key;
  at("about").value = about(own ? draft.about : call.business);
  at("note").value = own ? draft.text : "";
}

export function forgetNote() {
  keep(null);
  at("wrap").dataset.call = "";
}

// Have the node keep it; `save` says whether it did.
export async function sendNote(save) {
  const note = written();
  if (!note.text && !note.about) return true;
  const done = await save({ call: note.call, text: note.text, business: note.about });
  if (done) keep({ ...note, sent: true });
  return done;
}

// `hand`: the call that is in hand, or is wrapped up; empty: none.
export async function sendLeft(hand) {
  const draft = kept();
  if (!draft || draft.sent || !link.up || draft.call === hand || board.CallRow.has(draft.call)) return;
  if (Date.now() - tried < AGAIN_MS) return;
  tried = Date.now();
  const answer = await act("note", { call: draft.call, text: draft.text.trim(), business: draft.about });
  if (!answer.done && answer.code === "away") return;
  if (kept()?.call === draft.call) keep({ ...draft, sent: true });
  if (answer.done) tell(t("note_left"));
  else tell(t("note_lost", { why: answer.words, text: draft.text }), true);
}

at("wrap").addEventListener("input", () => {
  const note = written();
  keep({ ...note, text: at("note").value });
});

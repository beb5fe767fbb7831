// A person's calls of today, as the desk and the floor list them.
import { icon, list, make, mark, put, t } from "./board_dom.js";
import { clock, facts, named, spell } from "./board_words.js";

const NONE = [{ id: "none" }];

// `seat`: whose they are, where that is another.
export function paintContacts(holder, contacts, seat = facts.me) {
  const build = () => make("li", {}, make("time"), make("b"), make("span"), make("small"), make("span", { class: "tapes" }));
  list(holder, contacts.length ? contacts : NONE, (row) => row.id, build, (line, row) => {
    const [when, who, what, how, tapes] = line.children;
    list(tapes, (facts.recordings && row.recordings) || [], (tape) => tape.name, tapeLink, (link, tape) => {
      const place = new URLSearchParams({ seat, call: row.call, name: tape.name });
      mark(link, "href", `${facts.recordings}?${place}`);
      put(link.lastChild, t(tape.state === "running" ? "tape_running" : "tape", { length: spell(tape.seconds) }));
    });
    put(when, row.began ? clock(row.began).slice(0, 5) : "");
    put(who, row.began ? row.caller : "");
    put(what, row.began ? named("business", row.business) : t("no_history"));
    put(how, row.began ? `${row.ended ? spell(row.talk_s) : t("going")}${row.how_ended ? ` · ${named("ended", row.how_ended)}` : ""}` : "");
  });
}

// In a page of its own: who plays a recording keeps his desk, and the audio of its browser.
function tapeLink() {
  return make("a", { target: "_blank", rel: "noopener" }, icon("record"), make("span"));
}

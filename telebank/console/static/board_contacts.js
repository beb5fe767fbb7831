// A person's calls of today, as the desk and the floor list them.
import { list, make, put, t } from "./board_dom.js";
import { clock, named, spell } from "./board_words.js";

const NONE = [{ id: "none" }];

export function paintContacts(holder, contacts) {
  const build = () => make("li", {}, make("time"), make("b"), make("span"), make("small"));
  list(holder, contacts.length ? contacts : NONE, (row) => row.id, build, (line, row) => {
    const [when, who, what, how] = line.children;
    put(when, row.began ? clock(row.began).slice(0, 5) : "");
    put(who, row.began ? row.caller : "");
    put(what, row.began ? named("business", row.business) : t("no_history"));
    put(how, row.began ? `${row.ended ? spell(row.talk_s) : t("going")}${row.how_ended ? ` · ${named("ended", row.how_ended)}` : ""}` : "");
  });
}

// Plays a recording: taken whole by one POST, as playing is in the log; kept by the page alone.
const table = document.getElementById("recordings");
const words = JSON.parse(table.dataset.words);
const sound = document.getElementById("sound");
const at = (id) => document.getElementById(id);
const t = (name, values = {}) => (words[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
let held = "";
let going = null;

function say(problem) {
  at("problem").textContent = problem;
  at("problem").hidden = problem === "";
}

function drop() {
  sound.pause();
  sound.removeAttribute("src");
  sound.load();
  if (held) URL.revokeObjectURL(held);
  held = "";
}

async function play(row) {
  going?.abort();
  going = new AbortController();
  const mine = going;
  drop();
  say("");
  for (const other of table.tBodies[0].rows) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  at("player").hidden = false;
  at("now").textContent = t("loading");
  try {
    const answer = await fetch(table.dataset.play, {
      method: "POST",
      cache: "no-store",
      headers: { "Content-Type": "application/json", "X-CSRFToken": table.dataset.csrf },
      body: JSON.stringify({ name: row.dataset.name }),
      signal: mine.signal,
    });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return failed(await why(answer));
    const octets = await answer.blob();
    if (mine !== going) return;
    held = URL.createObjectURL(octets);
    sound.src = held;
    at("now").textContent = t("playing", row.dataset);
    sound.focus();
    await sound.play().catch(() => {}); // a browser that wants a press first has its own button
  } catch (error) {
    if (error.name !== "AbortError") failed(t("no_away"));
  }
}

async function why(answer) {
  if (!answer.headers.get("Content-Type").startsWith("application/json")) return t(answer.status === 400 ? "no_old_form" : "no_away");
  const { code, error } = await answer.json();
  return words[`no_${code}`] ?? t("no_other", { error: error || code });
}

function failed(problem) {
  at("player").hidden = true;
  say(problem);
}

sound.addEventListener("error", () => held && failed(t("no_sound")));
addEventListener("pagehide", drop);
for (const row of table.tBodies[0].rows) {
  row.querySelector(".play")?.addEventListener("click", () => play(row));
  if (row.dataset.name && row.dataset.name === table.dataset.wanted) {
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "center" });
    row.querySelector(".play")?.focus();
  }
}

// Words of the page's language, and times as people say them.
const live = document.getElementById("live");
export const facts = live.dataset;
const words = JSON.parse(facts.words);
let skew = 0;

export function t(name, values = {}) {
  const text = words[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const has = (name) => name in words;

// What is newer than this page has no words in it yet.
export const named = (kind, name) => (has(`${kind}_${name}`) ? t(`${kind}_${name}`) : name.replaceAll("_", " "));

// The server's clock counts: those of desks are wrong, and stand still while they sleep.
export function clockIs(now) {
  skew = new Date(now).getTime() - Date.now();
}

export const now = () => new Date(Date.now() + skew);
export const secondsSince = (utc) => Math.max(0, (now() - new Date(utc)) / 1000);

export function spell(seconds) {
  const all = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

// The bank's wall clock, as every page has it: `2026-11-23 09:05:07`.
const AHEAD_MS = Number(document.documentElement.dataset.zone) * 60000;
export const onWall = (utc) => new Date(new Date(utc).getTime() + AHEAD_MS).toISOString().slice(0, 19).replace("T", " ");

export function clock(utc) {
  return onWall(utc).slice(11, 19);
}

// This browser as the teller's telephone: one connection to the media worker that stays up between
// calls. The node has the call and says how the line is (`line` of the seat); a page that was loaded
// anew, or lost its way, makes a new offer, and the node puts it in the place of the old one.
import { act, link } from "./board_stream.js";
import { at, BROWSER, mark, put, show, t, tell, turn } from "./board_dom.js";
import { named } from "./board_words.js";

const AGAIN_MS = 1500;
const PAUSE_MS = 6000;
const SILENT_MS = 6000;
// What only a person can mend: nothing is tried again before he says so.
const FINAL = new Set(["phone_insecure", "phone_no_webrtc", "phone_not_allowed", "phone_no_microphone", "phone_microphone_busy", "no_bad_offer", "no_too_many_offers", "no_wrong_state"]);
const LOOKS = { up: ["ready", "mic"], connecting: ["wrap", "mic"], wanted: ["wrap", "mic"], lost: ["alarm", "alarm"], refused: ["alarm", "alarm"] };
let peer = null;
let own = null;
let asking = null;
let offering = false;
let offeredAt = 0;
let why = "";
let muted = false;
let line = "";
let retry = 0;
let meter = null;
let mine;
let sits = false;
const loudspeaker = new Audio();
loudspeaker.autoplay = true;

// -- the microphone -------------------------------------------------------------------------------

// Why there is no microphone, as a word of the page; empty: there is one.
export async function microphone() {
  if (own?.getAudioTracks().some((track) => track.readyState === "live")) return "";
  if (!window.isSecureContext || !navigator.mediaDevices) return "phone_insecure";
  if (typeof RTCPeerConnection === "undefined") return "phone_no_webrtc";
  asking ??= navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  try {
    own = await asking;
  } catch (error) {
    const refused = ["NotAllowedError", "SecurityError"].includes(error.name);
    return refused ? "phone_not_allowed" : error.name === "NotFoundError" ? "phone_no_microphone" : "phone_microphone_busy";
  } finally {
    asking = null;
  }
  const [track] = own.getAudioTracks();
  track.enabled = !muted;
  track.addEventListener("ended", () => {
    drop();
    follow(mine);
  });
  listen();
  return "";
}

function listen() {
  const context = sound();
  meter = context.createAnalyser();
  meter.fftSize = 512;
  context.createMediaStreamSource(own).connect(meter);
}

let context = null;
function sound() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

// Browsers want a touch of the page before it may make a sound.
for (const kind of ["keydown", "pointerdown"]) {
  addEventListener(kind, () => {
    if (context?.state === "suspended") context.resume().catch(() => {});
    if (peer && loudspeaker.srcObject && loudspeaker.paused) play();
  }, true);
}

async function play() {
  try {
    await loudspeaker.play();
    if (why === "phone_touch") why = "";
  } catch {
    why ||= "phone_touch";
  }
  paint();
}

// -- the connection -------------------------------------------------------------------------------

function connect() {
  drop();
  const made = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
  const sender = made.addTransceiver(own.getAudioTracks()[0], { direction: "sendrecv", streams: [own] });
  const known = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  const wanted = known.filter((codec) => /^audio\/(pcmu|telephone-event)$/i.test(codec.mimeType) && codec.clockRate === 8000);
  if (wanted.length) sender.setCodecPreferences?.(wanted);
  made.ontrack = (event) => {
    loudspeaker.srcObject = new MediaStream([event.track]);
    play();
  };
  made.onconnectionstatechange = () => {
    if (made !== peer) return;
    if (made.connectionState === "failed") again(0);
    if (made.connectionState === "disconnected") again(SILENT_MS);
    if (made.connectionState === "connected" && why === "phone_no_way") why = "";
    paint();
  };
  peer = made;
  return made;
}

function drop() {
  peer?.close();
  peer = null;
  loudspeaker.srcObject = null;
}

function again(after) {
  const failed = peer;
  setTimeout(() => {
    if (failed !== peer || peer?.connectionState === "connected") return;
    why = "phone_no_way";
    drop();
    follow(mine);
  }, after);
}

// Whoever came between, the peer of this offer is the one that the answer is for.
async function offer() {
  offering = true;
  offeredAt = Date.now();
  try {
    const missing = await microphone();
    if (missing) {
      why = missing;
      return;
    }
    const made = connect();
    await made.setLocalDescription(await made.createOffer());
    const answer = await act("phone", { sdp: made.localDescription.sdp });
    if (made !== peer) return;
    if (!answer.done) {
      drop();
      why = `no_${answer.code}`;
      return;
    }
    await made.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    if (why.startsWith("no_")) why = "";
  } catch (error) {
    drop();
    why = "phone_no_way";
    console.error(error);
  } finally {
    offering = false;
    follow(mine);
  }
}

// The seat's row came: offer where the node has no line of this page, or wants another.
export function follow(seat) {
  mine = seat;
  const here = seat?.phone === BROWSER;
  line = here ? seat.line : "";
  show(at("line"), here);
  ring(here && seat.rings);
  clearTimeout(retry);
  if (!here && sits) leave();
  sits = here;
  if (!here) return;
  paint();
  const needed = link.up && (!peer || ["wanted", "lost"].includes(line)); // not where another tab took over
  if (!needed || offering || FINAL.has(why)) return;
  const wait = offeredAt + (why.startsWith("no_") ? PAUSE_MS : AGAIN_MS) - Date.now();
  if (wait > 0) retry = setTimeout(() => follow(mine), wait);
  else offer();
}

// The microphone is given back.
export function leave() {
  drop();
  for (const track of own?.getTracks() ?? []) track.stop();
  own = meter = null;
  why = "";
  muted = false;
}

// -- what is shown and heard ----------------------------------------------------------------------

function paint() {
  const gone = !link.up && !["connected", "connecting", "new"].includes(peer?.connectionState);
  const shown = gone ? "lost" : FINAL.has(why) ? "refused" : peer ? line : "connecting";
  const [look, icon] = LOOKS[shown] ?? LOOKS.connecting;
  mark(at("line"), "data-look", look);
  turn(at("line"), icon);
  put(at("line-word"), named("line", shown));
  const told = link.up ? why : "phone_node_away";
  put(at("line-why"), told ? t(told) : "");
  show(at("line-again"), FINAL.has(why));
  const button = at("mute");
  mark(button, "aria-pressed", muted);
  mark(button, "data-on", muted);
  put(button.querySelector("span"), t(muted ? "unmute" : "mute"));
  turn(button, muted ? "mute" : "mic");
}

// He mended what only he can.
at("line-again").addEventListener("click", () => {
  why = "";
  offeredAt = 0;
  follow(mine);
});

export function mute() {
  if (!own) return;
  muted = !muted;
  for (const track of own.getAudioTracks()) track.enabled = !muted;
  paint();
  tell(t(muted ? "muted" : "unmuted"));
}

const samples = new Float32Array(512);
setInterval(() => {
  if (!meter || at("line").hidden) return;
  meter.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  at("level").value = muted ? 0 : Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 6));
}, 150);

let bell = 0;
function ring(yes) {
  if (yes === (bell !== 0)) return;
  clearInterval(bell);
  bell = yes ? setInterval(strike, 2000) : 0;
  if (yes) strike();
}

function strike() {
  const to = sound();
  for (const [begin, hertz] of [[0, 660], [0.25, 550], [0.5, 660]]) {
    const tone = to.createOscillator();
    const loud = to.createGain();
    tone.frequency.value = hertz;
    loud.gain.setValueAtTime(0.15, to.currentTime + begin);
    loud.gain.exponentialRampToValueAtTime(0.001, to.currentTime + begin + 0.24);
    tone.connect(loud).connect(to.destination);
    tone.start(to.currentTime + begin);
    tone.stop(to.currentTime + begin + 0.25);
  }
}

// The page's one script. It talks to its own origin only; no address parameter chooses a server.
"use strict";

const TOKEN_KEY = "openclaw.token";
const DEVICE_KEY = "openclaw.device";
const SESSION_KEY = "main";
const SCOPES = ["operator.admin", "operator.approvals", "operator.pairing"];
const CLIENT = { id: "openclaw-control-ui", version: "1", platform: navigator.platform || "web", mode: "webchat" };

const byId = (id) => document.getElementById(id);
let socket = null;
let pending = new Map();
let retryMs = 1000;
let running = null;
let live = null;

function show(id, visible) { byId(id).hidden = !visible; }
function setState(text) { byId("state").textContent = text; }
function problem(text) {
  byId("problem").textContent = text || "";
  show("problem", Boolean(text));
}

// The link of `openclaw dashboard` carries the token behind '#', which no server and no log ever sees.
function takeTokenFromAddress() {
  const match = /(?:^|[#&])token=([^&]+)/.exec(location.hash);
  if (!match) return;
  sessionStorage.setItem(TOKEN_KEY, decodeURIComponent(match[1]));
  history.replaceState(null, "", location.pathname + location.search);
}

const toBase64Url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const fromBase64Url = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toHex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");

async function deviceIdentity() {
  if (!window.isSecureContext || !crypto.subtle) {
    throw new Error("This browser keeps the device key only on https or on localhost. Open the page as " +
      "http://localhost:" + (location.port || "80") + " (for instance through ssh -L), or put TLS in front.");
  }
  const stored = localStorage.getItem(DEVICE_KEY);
  if (stored) {
    const kept = JSON.parse(stored);
    const key = await crypto.subtle.importKey("pkcs8", fromBase64Url(kept.privateKey), "Ed25519", true, ["sign"]);
    return { id: kept.id, publicKey: kept.publicKey, key };
  }
  let pair;
  try {
    pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  } catch (error) {
    throw new Error("This browser cannot make Ed25519 keys. Use a current Firefox, Chrome or Safari, or the terminal: openclaw agent -m \"...\"");
  }
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  const secret = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const id = toHex(await crypto.subtle.digest("SHA-256", raw));
  const publicKey = toBase64Url(raw);
  localStorage.setItem(DEVICE_KEY, JSON.stringify({ id, publicKey, privateKey: toBase64Url(secret) }));
  return { id, publicKey, key: pair.privateKey };
}

function request(method, params) {
  return new Promise((resolve, reject) => {
    if (!socket || socket.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
    const id = crypto.randomUUID();
    pending.set(id, { resolve, reject });
    socket.send(JSON.stringify({ type: "req", id, method, params }));
  });
}

async function introduce(nonce) {
  const device = await deviceIdentity();
  const secret = sessionStorage.getItem(TOKEN_KEY) || "";
  const signedAt = Date.now();
  const payload = ["v3", device.id, CLIENT.id, CLIENT.mode, "operator", SCOPES.join(","), String(signedAt), secret,
    nonce, CLIENT.platform.trim().toLowerCase(), ""].join("|");
  const signature = await crypto.subtle.sign("Ed25519", device.key, new TextEncoder().encode(payload));
  return request("connect", {
    minProtocol: 3, maxProtocol: 3, client: CLIENT, role: "operator", scopes: SCOPES, caps: ["tool-events"],
    auth: { token: secret, password: secret }, locale: navigator.language,
    device: { id: device.id, publicKey: device.publicKey, signature: toBase64Url(signature), signedAt, nonce },
  });
}

function explain(error) {
  const details = error.details || {};
  if (details.code === "PAIRING_REQUIRED") {
    return "This browser is not paired yet. On the gateway's machine type:\n\n  openclaw devices approve " +
      details.requestId + "\n\nthen reload the page.";
  }
  return error.message;
}

function connect() {
  problem("");
  setState("connecting");
  const base = location.pathname.replace(/[^/]*$/, "");
  socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + base);
  let refused = false;
  socket.onmessage = async (message) => {
    const frame = JSON.parse(message.data);
    if (frame.type === "res") {
      const waiting = pending.get(frame.id);
      pending.delete(frame.id);
      if (waiting) frame.ok ? waiting.resolve(frame.payload) : waiting.reject(frame.error);
    } else if (frame.event === "connect.challenge") {
      try {
        ready(await introduce(frame.payload.nonce));
      } catch (error) {
        refused = true;
        problem(explain(error));
        if (/AUTH_/.test((error.details || {}).code || "")) forget();
        socket.close();
      }
    } else if (frame.event === "chat") {
      onChat(frame.payload);
    } else if (frame.event === "health") {
      showHealth(frame.payload);
    }
  };
  socket.onclose = () => {
    setState("not connected");
    for (const waiting of pending.values()) waiting.reject(new Error("the connection ended"));
    pending = new Map();
    if (refused || !sessionStorage.getItem(TOKEN_KEY)) return;
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 2, 30000);
  };
}

async function ready(hello) {
  retryMs = 1000;
  setState("connected, version " + hello.server.version);
  show("entry", false);
  show("chat", true);
  show("status", true);
  showHealth(hello.snapshot.health || {});
  try {
    const past = await request("chat.history", { sessionKey: SESSION_KEY, limit: 100 });
    byId("messages").replaceChildren();
    for (const message of past.messages) addMessage(message.role, textOf(message));
  } catch (error) {
    problem(error.message);
  }
}

function textOf(message) {
  if (!message) return "";
  if (typeof message.content === "string") return message.content;
  return (message.content || []).filter((block) => block.type === "text").map((block) => block.text).join("\n");
}

// Text goes in as text, never as markup: what a model says is not trusted.
function addMessage(role, text) {
  if (!text || role === "toolResult") return null;
  const item = document.createElement("li");
  item.className = role === "user" ? "user" : role === "assistant" ? "assistant" : "note";
  item.textContent = text;
  byId("messages").append(item);
  item.scrollIntoView({ block: "end" });
  return item;
}

function onChat(event) {
  const text = textOf(event.message);
  const mine = event.runId === running;
  if (text) {
    if (!live || live.run !== event.runId) live = { run: event.runId, item: addMessage("assistant", text) };
    else live.item.textContent = text;
    if (live.item) live.item.scrollIntoView({ block: "end" });
  }
  if (event.state === "delta") return;
  if (event.state === "error") addMessage("note", "Error: " + event.errorMessage);
  if (event.state === "aborted") addMessage("note", "Stopped.");
  live = null;
  if (mine) {
    running = null;
    show("stop", false);
  }
}

function showHealth(health) {
  const facts = byId("facts");
  facts.replaceChildren();
  const add = (name, value) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    facts.append(term, text);
  };
  add("Agent", health.defaultAgentId || "main");
  add("Sessions", String((health.sessions || {}).count || 0));
  for (const id of health.channelOrder || []) {
    const channel = (health.channels || {})[id] || {};
    const on = channel.connected || channel.running;
    add((health.channelLabels || {})[id] || id, on ? "connected" : channel.configured ? "down" : "not configured");
  }
}

async function send() {
  const box = byId("text");
  const message = box.value.trim();
  if (!message) return;
  box.value = "";
  addMessage("user", message);
  running = crypto.randomUUID();
  show("stop", true);
  try {
    const answer = await request("chat.send", {
      sessionKey: SESSION_KEY, message, deliver: false, idempotencyKey: running,
    });
    if (!answer.runId) show("stop", false);
  } catch (error) {
    addMessage("note", "Error: " + error.message);
    show("stop", false);
  }
}

function forget() {
  sessionStorage.removeItem(TOKEN_KEY);
  show("entry", true);
  show("chat", false);
  show("status", false);
}

byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, byId("token").value.trim());
  byId("token").value = "";
  connect();
});
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
byId("stop").addEventListener("click", () => {
  request("chat.abort", { sessionKey: SESSION_KEY, runId: running }).catch((error) => problem(error.message));
});
byId("forget").addEventListener("click", () => {
  forget();
  if (socket) socket.close();
});

takeTokenFromAddress();
if (sessionStorage.getItem(TOKEN_KEY)) connect();

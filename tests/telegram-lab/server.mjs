#!/usr/bin/env node
// Local stand-in for the Telegram Bot API server, for tests of bot clients. Binds to loopback only.
//   node server.mjs [--port 8081] [--control-port 8082] [--token 123456:...] [--config file.json]
// The first line on stdout is JSON: {"api": "...", "control": "...", "token": "..."}. Port 0 picks a free port.
import http from 'node:http';
import https from 'node:https';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { formatText, detectEntities, renderHtml, ParseError } from './entities.mjs';

const HOST = '127.0.0.1';
export const DEFAULT_TOKEN = '700100200:LAB-telegram-token-0123456789abcdefg';
export const DEFAULTS = {
  limits: { enabled: true, perChatPerSec: 1, perChatBurst: 3, groupPerMin: 20, globalPerSec: 30, countEdits: true },
  textMax: 4096, captionMax: 1024, lengthUnit: 'utf16',
  downloadMax: 20 << 20, uploadMax: 50 << 20, photoUploadMax: 10 << 20,
  conflictRepeatDelayMs: 3000, busyPollGuard: true, longPollMax: 50, updateTtlSec: 86400,
  allowHttpWebhook: true, webhookTimeoutMs: 30000, webhookRetryScale: 1, callbackTtlMs: 15 * 60 * 1000,
  topicImplicitReply: true, privacyDeliversMentions: true, fileLinkTtlSec: 3600, logMax: 50000,
};
const UPDATE_TYPES = ['message', 'edited_message', 'channel_post', 'edited_channel_post', 'inline_query', 'chosen_inline_result',
  'callback_query', 'shipping_query', 'pre_checkout_query', 'poll', 'poll_answer', 'my_chat_member', 'chat_member',
  'chat_join_request', 'message_reaction', 'message_reaction_count', 'chat_boost', 'removed_chat_boost', 'business_connection',
  'business_message', 'edited_business_message', 'deleted_business_messages', 'purchased_paid_media'];
const OPT_IN = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);
const DEFAULT_ALLOWED = UPDATE_TYPES.filter(t => !OPT_IN.has(t));
const REACTIONS = new Set([...'👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡'].concat(
  ['❤', '❤️', '❤‍🔥', '👨‍💻', '🤷‍♂', '🤷', '🤷‍♀', '🕊', '⚡', '✍', '☃']));
const ACTIONS = new Set(['typing', 'upload_photo', 'record_video', 'upload_video', 'record_voice', 'upload_voice', 'upload_document',
  'choose_sticker', 'find_location', 'record_video_note', 'upload_video_note']);
const MEDIA = {
  photo: { dir: 'photos', ext: 'jpg', mime: 'image/jpeg' }, document: { dir: 'documents', ext: 'bin', mime: 'application/octet-stream' },
  voice: { dir: 'voice', ext: 'oga', mime: 'audio/ogg' }, audio: { dir: 'music', ext: 'mp3', mime: 'audio/mpeg' },
  video: { dir: 'videos', ext: 'mp4', mime: 'video/mp4' }, animation: { dir: 'animations', ext: 'mp4', mime: 'video/mp4' },
  sticker: { dir: 'stickers', ext: 'webp', mime: 'image/webp' }, video_note: { dir: 'video_notes', ext: 'mp4', mime: 'video/mp4' },
};
const now = () => Math.floor(Date.now() / 1000);
const sleep = ms => new Promise(r => setTimeout(r, ms));
const merge = (a, b) => { for (const [k, v] of Object.entries(b ?? {})) a[k] = v && typeof v === 'object' && !Array.isArray(v) && a[k] && typeof a[k] === 'object' ? merge(a[k], v) : v; return a; };
const clone = x => structuredClone(x);
const charLen = (s, unit) => (unit === 'utf16' ? s.length : [...s].length);

class ApiError extends Error {
  constructor(code, description, parameters) { super(description); this.code = code; this.parameters = parameters; }
}
const PREFIX = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 500: 'Internal Server Error' };
function err(code, msg, parameters) {
  const p = PREFIX[code];
  if (!p || msg === p || msg.startsWith(p + ':')) return new ApiError(code, msg, parameters);
  const second = msg[1] ?? 'a';
  const body = /[_A-Z]/.test(second) ? msg : msg[0].toLowerCase() + msg.slice(1);
  return new ApiError(code, `${p}: ${body}`, parameters);
}
const tooMany = s => new ApiError(429, `Too Many Requests: retry after ${s}`, { retry_after: s });

function parseMultipart(buf, contentType) {
  const m = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const args = {}, files = {};
  if (!m) return { args, files };
  const mark = Buffer.from('--' + (m[1] ?? m[2]));
  let pos = buf.indexOf(mark);
  while (pos >= 0) {
    let start = pos + mark.length;
    if (buf[start] === 45 && buf[start + 1] === 45) break;
    start += 2;
    const headEnd = buf.indexOf('\r\n\r\n', start);
    if (headEnd < 0) break;
    const next = buf.indexOf(Buffer.concat([Buffer.from('\r\n'), mark]), headEnd);
    if (next < 0) break;
    const head = buf.subarray(start, headEnd).toString('utf8');
    const data = buf.subarray(headEnd + 4, next);
    const name = /[;\s]name="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? /[;\s]name=([^;\r\n]+)/i.exec(head)?.[1];
    const fn = /filename="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? /filename=([^;\r\n]+)/i.exec(head)?.[1];
    const type = /content-type:\s*([^\r\n]+)/i.exec(head)?.[1];
    if (name !== undefined) {
      if (fn !== undefined) files[name] = { filename: fn, mime: type, data: Buffer.from(data) };
      else args[name] = data.toString('utf8');
    }
    pos = next + 2;
  }
  return { args, files };
}
async function readBody(req, max) {
  const chunks = [];
  let size = 0;
  for await (const c of req) {
    size += c.length;
    if (size > max) { const e = new ApiError(413, 'Request Entity Too Large'); e.tooLarge = true; throw e; }
    chunks.push(c);
  }
  return Buffer.concat(chunks);
}

export class TelegramLab {
  constructor(config = {}) {
    this.config = merge(clone(DEFAULTS), clone(config));
    this.token = config.token ?? DEFAULT_TOKEN;
    this.sockets = new Set();
    this.reset();
  }

  reset() {
    for (const b of this.bots?.values() ?? []) { b.poll?.finish({ result: [] }); clearTimeout(b.hookTimer); b.gone = true; }
    this.bots = new Map();
    this.users = new Map();
    this.chats = new Map();
    this.files = new Map();
    this.filePaths = new Map();
    this.callbacks = new Map();
    this.calls = [];
    this.injected = [];
    this.webhookPosts = [];
    this.faults = [];
    this.chatActions = [];
    this.drafts = [];
    this.rates = { chat: new Map(), group: new Map(), global: [] };
    this.seq = 0;
    this.fileSeq = 0;
    this.privateMessageId = 100;
    this.addBot(this.token, { username: 'lab_bot', first_name: 'Lab Bot' });
  }

  addBot(token, info = {}) {
    const bot = { token, id: Number(token.split(':')[0]), username: info.username ?? 'bot' + token.split(':')[0] + '_bot',
      first_name: info.first_name ?? 'Bot', canReadAll: info.can_read_all_group_messages ?? false, queue: [],
      nextUpdateId: info.first_update_id ?? 500000000 + crypto.randomInt(1000000), allowed: [...DEFAULT_ALLOWED], webhook: null,
      poll: null, conflictUntil: 0, prevOffset: null, prevStart: 0, commands: new Map(), hook: { busy: new Set(), inflight: 0 },
      name: info.first_name ?? 'Bot', description: '', short_description: '', delivered: new Set() };
    this.bots.set(token, bot);
    return bot;
  }
  botOf(token) { return token ? this.bots.get(token) : this.bots.values().next().value; }
  botUser(bot) { return { id: bot.id, is_bot: true, first_name: bot.first_name, username: bot.username }; }

  // ---------------------------------------------------------------- entities of the world
  user(spec) {
    if (spec === undefined || spec === null) spec = { id: 1001 };
    if (typeof spec === 'number' || typeof spec === 'string') spec = { id: Number(spec) };
    const id = Number(spec.id ?? 1001);
    const old = this.users.get(id) ?? { id, is_bot: false, first_name: 'User' + id, username: 'user' + id, language_code: 'en', started: false, blocked: false, deactivated: false };
    const u = Object.assign(old, spec, { id });
    this.users.set(id, u);
    return u;
  }
  userJson(u) {
    const o = { id: u.id, is_bot: !!u.is_bot, first_name: u.first_name };
    for (const k of ['last_name', 'username', 'language_code', 'is_premium']) if (u[k]) o[k] = u[k];
    return o;
  }
  privateChat(user) {
    let c = this.chats.get(user.id);
    if (!c) {
      c = { id: user.id, type: 'private', user_id: user.id, messages: new Map(), topics: new Map(), bot_status: 'member' };
      this.chats.set(user.id, c);
    }
    return c;
  }
  chat(spec) {
    const id = Number(spec.id);
    let c = this.chats.get(id);
    if (!c) {
      if (id > 0) { const u = this.user({ id }); u.started = true; return this.privateChat(u); }
      c = { id, type: spec.type ?? (String(id).startsWith('-100') ? 'supergroup' : 'group'), title: spec.title ?? 'Chat ' + id, is_forum: false,
        messages: new Map(), topics: new Map(), members: new Map(), bot_status: 'member', nextId: 1 };
      this.chats.set(id, c);
    }
    for (const k of ['type', 'title', 'username', 'is_forum', 'bot_status', 'migrated_to', 'description', 'slow', 'can_send']) if (spec[k] !== undefined) c[k] = spec[k];
    for (const t of spec.topics ?? []) this.topic(c, t);
    for (const m of spec.members ?? []) { const u = this.user(m.user ?? m); c.members.set(u.id, { status: m.status ?? 'member' }); }
    return c;
  }
  topic(chat, t) {
    const id = Number(t.message_thread_id ?? t.id ?? this.nextMessageId(chat));
    chat.is_forum = chat.type === 'private' ? chat.is_forum : true;
    const topic = { message_thread_id: id, name: t.name ?? 'Topic ' + id, icon_color: t.icon_color ?? 7322096, closed: !!t.closed };
    if (t.icon_custom_emoji_id) topic.icon_custom_emoji_id = t.icon_custom_emoji_id;
    chat.topics.set(id, topic);
    if (!chat.messages.has(id)) {
      chat.messages.set(id, { message_id: id, date: now(), from: t.from ?? { id: 1001, is_bot: false, first_name: 'User1001' }, thread_id: id, is_topic: true, by: 'service',
        service: { forum_topic_created: { name: topic.name, icon_color: topic.icon_color } }, history: [] });
      if (chat.nextId !== undefined && id >= chat.nextId) chat.nextId = id + 1;
    }
    return topic;
  }
  nextMessageId(chat) {
    if (chat.type === 'private' || chat.type === 'group') return ++this.privateMessageId;
    return chat.nextId++;
  }
  chatJson(c) {
    if (c.type === 'private') {
      const u = this.users.get(c.user_id);
      return { id: c.id, first_name: u.first_name, ...(u.last_name ? { last_name: u.last_name } : {}), ...(u.username ? { username: u.username } : {}), type: 'private' };
    }
    return { id: c.id, title: c.title, ...(c.username ? { username: c.username } : {}), type: c.type, ...(c.is_forum ? { is_forum: true } : {}) };
  }
  messageJson(chat, m, withReply = true) {
    const o = { message_id: m.message_id };
    if (m.from) o.from = m.from;
    if (m.sender_chat) o.sender_chat = m.sender_chat;
    o.chat = this.chatJson(chat);
    o.date = m.date;
    if (m.edit_date) o.edit_date = m.edit_date;
    if (m.thread_id) o.message_thread_id = m.thread_id;
    if (m.is_topic) o.is_topic_message = true;
    if (m.forward_origin) o.forward_origin = m.forward_origin;
    if (withReply) {
      const replyId = m.reply_to ?? (m.is_topic && this.config.topicImplicitReply && m.thread_id !== m.message_id ? m.thread_id : undefined);
      const r = replyId !== undefined ? chat.messages.get(replyId) : undefined;
      if (r && !r.deleted) o.reply_to_message = this.messageJson(chat, r, false);
    }
    if (m.quote) o.quote = { text: m.quote, position: 0, is_manual: true };
    if (m.media_group_id) o.media_group_id = m.media_group_id;
    if (m.text !== undefined) { o.text = m.text; if (m.entities?.length) o.entities = m.entities; }
    if (m.link_preview_options) o.link_preview_options = m.link_preview_options;
    if (m.media) {
      if (m.media.type === 'animation') o.document = { ...m.media.value };
      o[m.media.type] = m.media.value;
    }
    if (m.caption) { o.caption = m.caption; if (m.caption_entities?.length) o.caption_entities = m.caption_entities; }
    if (m.reply_markup?.inline_keyboard) o.reply_markup = m.reply_markup;
    if (m.service) Object.assign(o, m.service);
    return clone(o);
  }
  visible(chat, m) {
    const text = m.text ?? m.caption ?? '';
    const entities = (m.text !== undefined ? m.entities : m.caption_entities) ?? [];
    return { message_id: m.message_id, date: m.date, by: m.by, from: m.from?.id, ...(m.edit_date ? { edit_date: m.edit_date } : {}),
      ...(m.thread_id ? { message_thread_id: m.thread_id } : {}), ...(m.reply_to ? { reply_to: m.reply_to } : {}), text, entities, html: renderHtml(text, entities),
      ...(m.media ? { media: { type: m.media.type, file_name: m.media.name, mime_type: m.media.mime, size: m.media.size, sha256: m.media.sha256 } } : {}),
      ...(m.media_group_id ? { media_group_id: m.media_group_id } : {}), ...(m.reply_markup ? { reply_markup: m.reply_markup } : {}),
      ...(m.reactions?.length ? { reactions: m.reactions } : {}), ...(m.service ? { service: m.service } : {}), deleted: !!m.deleted, edits: m.history.length, history: m.history, silent: !!m.silent };
  }

  // ---------------------------------------------------------------- files
  storeFile(kind, { data, size, filename, mime, unique }) {
    const n = ++this.fileSeq;
    const info = MEDIA[kind] ?? MEDIA.document;
    const uniqueId = unique ?? 'AQAD' + crypto.randomBytes(9).toString('base64url');
    const id = `lab-${kind}-${n}-${crypto.randomBytes(18).toString('base64url')}`;
    const ext = filename?.includes('.') ? filename.split('.').pop() : info.ext;
    const f = { file_id: id, file_unique_id: uniqueId, kind, data, size: data ? data.length : size ?? 0, name: filename, mime: mime ?? info.mime,
      path: `${info.dir}/file_${n}.${ext}`, sha256: data ? crypto.createHash('sha256').update(data).digest('hex') : undefined };
    this.files.set(id, f);
    return f;
  }
  mediaValue(kind, f, extra = {}) {
    const base = { file_id: f.file_id, file_unique_id: f.file_unique_id, file_size: f.size };
    if (kind === 'photo') {
      const small = this.storeFile('photo', { data: f.data, size: Math.min(f.size, 1200) });
      return [{ file_id: small.file_id, file_unique_id: small.file_unique_id, file_size: Math.min(f.size, 1200), width: 90, height: 67 }, { ...base, width: 800, height: 600 }];
    }
    if (kind === 'document') return { ...(f.name ? { file_name: f.name } : {}), mime_type: f.mime, ...base };
    if (kind === 'voice') return { duration: extra.duration ?? 3, mime_type: f.mime, ...base };
    if (kind === 'audio') return { duration: extra.duration ?? 60, ...(f.name ? { file_name: f.name } : {}), mime_type: f.mime, ...(extra.title ? { title: extra.title } : {}), ...(extra.performer ? { performer: extra.performer } : {}), ...base };
    if (kind === 'video' || kind === 'animation') return { duration: extra.duration ?? 5, width: 640, height: 480, ...(f.name ? { file_name: f.name } : {}), mime_type: f.mime, ...base };
    if (kind === 'sticker') return { width: 512, height: 512, emoji: extra.emoji ?? '🙂', is_animated: false, is_video: false, type: 'regular', ...base };
    if (kind === 'video_note') return { duration: extra.duration ?? 5, length: 240, ...base };
    return base;
  }
  media(kind, f, extra) {
    return { type: kind, value: this.mediaValue(kind, f, extra), name: f.name, mime: f.mime, size: f.size, sha256: f.sha256 };
  }

  // ---------------------------------------------------------------- updates out
  push(bot, type, payload, queueKey) {
    if (!bot.allowed.includes(type)) return { delivered: false, reason: `update type ${type} is not in allowed_updates` };
    const u = { id: bot.nextUpdateId++, type, body: { [type]: payload }, key: queueKey ?? 0, at: Date.now(), delay: 1, fails: 0, wake: 0 };
    bot.queue.push(u);
    if (bot.webhook) this.pumpWebhook(bot);
    else if (bot.poll) setTimeout(() => bot.poll?.wake(), 2);
    return { delivered: true, update_id: u.id };
  }
  expire(bot) {
    const limit = Date.now() - this.config.updateTtlSec * 1000;
    bot.queue = bot.queue.filter(u => u.at >= limit);
  }
  setAllowed(bot, q) {
    let list = q.raw('allowed_updates');
    if (list === undefined || list === '') return;
    if (typeof list === 'string') { try { list = JSON.parse(list); } catch { return; } }
    if (!Array.isArray(list) || list.some(x => typeof x !== 'string')) return;
    const known = list.map(x => x.toLowerCase()).filter(x => UPDATE_TYPES.includes(x));
    bot.allowed = known.length ? known : [...DEFAULT_ALLOWED];
  }
  async conflict(bot, description) {
    const t = Date.now();
    if (t >= bot.conflictUntil) bot.conflictUntil = t + this.config.conflictRepeatDelayMs;
    else await sleep(this.config.conflictRepeatDelayMs);
    return new ApiError(409, description);
  }
  async getUpdates(bot, q, ctx) {
    if (bot.webhook) throw await this.conflict(bot, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
    let offset = q.int('offset', 0), limit = q.int('limit', 100, 1, 100), timeout = q.int('timeout', 0, 0, this.config.longPollMax);
    this.setAllowed(bot, q);
    const t = Date.now();
    if (this.config.busyPollGuard) {
      if (offset === bot.prevOffset && timeout < 3 && t < bot.prevStart + 3000) timeout = 3;
      if (offset === bot.prevOffset && t < bot.prevStart + 500) limit = 1;
    }
    bot.prevOffset = offset;
    bot.prevStart = t;
    this.expire(bot);
    const tail = bot.nextUpdateId;
    if (offset < 0) { bot.queue = bot.queue.slice(offset); offset = 0; }
    if (offset > 0 && offset <= tail + 10) bot.queue = bot.queue.filter(u => u.id >= offset);
    const take = () => {
      const batch = bot.queue.slice(0, limit);
      for (const u of batch) { u.sent = (u.sent ?? 0) + 1; bot.delivered.add(u.id); }
      return batch.map(u => ({ update_id: u.id, ...clone(u.body) }));
    };
    if (bot.queue.length || timeout === 0) return take();
    if (bot.poll) {
      const old = bot.poll;
      bot.poll = null;
      this.conflict(bot, 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running').then(e => old.finish({ error: e }));
    }
    return await new Promise((resolve, reject) => {
      const poll = {
        finish: r => { clearTimeout(timer); if (bot.poll === poll) bot.poll = null; if (r.error) reject(r.error); else resolve(r.result); },
        wake: () => { if (bot.poll === poll && bot.queue.length) poll.finish({ result: take() }); },
      };
      const timer = setTimeout(() => poll.finish({ result: take() }), timeout * 1000);
      bot.poll = poll;
      ctx.onClose(() => { if (bot.poll === poll) { bot.poll = null; clearTimeout(timer); ctx.entry.note = 'client closed the long poll'; resolve([]); } });
    });
  }

  // ---------------------------------------------------------------- webhook
  async setWebhook(bot, q) {
    const url = q.str('url');
    const drop = q.bool('drop_pending_updates');
    if (!url) return this.deleteWebhook(bot, drop);
    let u;
    try { u = new URL(url); } catch { throw err(400, 'bad webhook: invalid webhook URL specified'); }
    if (u.protocol !== 'https:' && !(this.config.allowHttpWebhook && u.protocol === 'http:')) throw err(400, 'bad webhook: An HTTPS URL must be provided for webhook');
    if (!['127.0.0.1', 'localhost', '[::1]'].includes(u.hostname)) throw err(400, 'bad webhook: Failed to resolve host: Name or service not known');
    const secret = q.str('secret_token');
    if (secret.length > 256) throw err(400, 'secret token is too long');
    if (!/^[A-Za-z0-9_-]*$/.test(secret)) throw err(400, 'secret token contains unallowed characters');
    const next = { url, secret, max: q.int('max_connections', 40, 1, 100), cert: !!q.files.certificate, lastErrorDate: 0, lastError: '', ip: u.hostname === 'localhost' ? '127.0.0.1' : u.hostname };
    const same = bot.webhook && bot.webhook.url === url && bot.webhook.secret === secret && bot.webhook.max === next.max && !drop && !next.cert;
    if (bot.poll) {
      const old = bot.poll;
      bot.poll = null;
      this.conflict(bot, 'Conflict: terminated by setWebhook request').then(e => old.finish({ error: e }));
    }
    if (drop) bot.queue = [];
    this.setAllowed(bot, q);
    if (same) return { result: true, description: 'Webhook is already set' };
    bot.webhook = next;
    for (const x of bot.queue) { x.wake = 0; x.fails = 0; x.delay = 1; }
    setTimeout(() => this.pumpWebhook(bot), 20);
    return { result: true, description: 'Webhook was set' };
  }
  deleteWebhook(bot, drop) {
    const had = !!bot.webhook;
    bot.webhook = null;
    clearTimeout(bot.hookTimer);
    if (drop) bot.queue = [];
    return { result: true, description: had ? 'Webhook was deleted' : 'Webhook is already deleted' };
  }
  pumpWebhook(bot) {
    if (!bot.webhook || bot.gone) return;
    this.expire(bot);
    clearTimeout(bot.hookTimer);
    const t = Date.now();
    const seen = new Set();
    let next = Infinity;
    for (const u of bot.queue) {
      if (bot.hook.inflight >= bot.webhook.max) break;
      const key = u.key || 'u' + u.id;
      if (seen.has(key)) continue;
      seen.add(key);
      if (bot.hook.busy.has(key)) continue;
      if (u.wake > t) { next = Math.min(next, u.wake); continue; }
      this.postUpdate(bot, bot.webhook, u, key);
    }
    if (next !== Infinity) bot.hookTimer = setTimeout(() => this.pumpWebhook(bot), Math.max(1, next - t));
  }
  postUpdate(bot, hook, u, key) {
    bot.hook.busy.add(key);
    bot.hook.inflight++;
    const body = JSON.stringify({ update_id: u.id, ...u.body });
    const post = { t: Date.now(), update_id: u.id, attempt: u.fails + 1, url: hook.url };
    this.webhookPosts.push(post);
    const target = new URL(hook.url);
    const lib = target.protocol === 'https:' ? https : http;
    let done = false;
    const finish = (error, retryAfter = 0, reply) => {
      if (done) return;
      done = true;
      bot.hook.busy.delete(key);
      bot.hook.inflight--;
      post.ms = Date.now() - post.t;
      if (error) {
        post.error = error;
        if (bot.webhook === hook) { hook.lastErrorDate = now(); hook.lastError = error; }
        let delay = Math.min(Math.max(retryAfter, 0), 3600);
        if (!delay && u.fails > 0) { u.delay = Math.min(60 + Math.random() * 60, u.delay * 2); delay = u.delay; }
        u.wake = Date.now() + delay * 1000 * this.config.webhookRetryScale;
        u.fails++;
      } else {
        bot.queue = bot.queue.filter(x => x !== u);
        bot.delivered.add(u.id);
        if (reply?.method && !/^(deletewebhook|setwebhook|close|logout|get.*)$/i.test(reply.method)) {
          post.reply_method = reply.method;
          const { method, ...args } = reply;
          this.dispatch(bot, method, args, {}, { onClose() {}, viaWebhook: true }).catch(() => {});
        }
      }
      this.pumpWebhook(bot);
    };
    const req = lib.request(target, { method: 'POST', rejectUnauthorized: false, timeout: this.config.webhookTimeoutMs, headers: {
      'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'accept-encoding': 'gzip, deflate',
      ...(hook.secret ? { 'X-Telegram-Bot-Api-Secret-Token': hook.secret } : {}) } }, res => {
      const chunks = [];
      res.on('data', c => chunks.push(c));
      res.on('error', () => finish('Webhook connection closed'));
      res.on('end', () => {
        post.status = res.statusCode;
        if (res.statusCode < 200 || res.statusCode > 299) return finish(`Wrong response from the webhook: ${res.statusCode} ${res.statusMessage}`, Number(res.headers['retry-after']) || 0);
        let reply;
        const text = Buffer.concat(chunks).toString();
        const ct = String(res.headers['content-type'] ?? '');
        try { reply = ct.includes('json') ? JSON.parse(text) : ct.includes('urlencoded') ? Object.fromEntries(new URLSearchParams(text)) : undefined; } catch { /* ignored by the server */ }
        finish(null, 0, reply);
      });
    });
    req.on('timeout', () => { req.destroy(); finish('Read timeout expired'); });
    req.on('error', e => finish(e.code === 'ECONNREFUSED' ? 'Connection refused' : 'Webhook connection closed'));
    req.end(body);
  }

  // ---------------------------------------------------------------- checks on the way in
  resolveChat(q, write = true, name = 'chat_id') {
    const raw = q.str(name);
    if (!raw) throw err(400, 'chat_id is empty');
    let chat;
    if (raw[0] === '@') chat = [...this.chats.values()].find(c => c.username && '@' + c.username.toLowerCase() === raw.toLowerCase() && c.type !== 'private');
    else {
      const id = Number(raw);
      chat = this.chats.get(id);
      if (!chat && this.users.has(id)) {
        const u = this.users.get(id);
        if (!u.started) throw err(403, "bot can't initiate conversation with a user");
        chat = this.privateChat(u);
      }
    }
    if (!chat) throw err(400, 'chat not found');
    if (chat.type === 'private') {
      const u = this.users.get(chat.user_id);
      if (write && u.deactivated) throw err(403, 'user is deactivated');
      if (write && u.blocked) throw err(403, 'bot was blocked by the user');
      return chat;
    }
    if (chat.migrated_to && write) throw err(400, 'group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migrated_to });
    const kind = chat.type === 'group' ? 'group' : chat.type === 'channel' ? 'channel' : 'supergroup';
    if (chat.bot_status === 'kicked') throw err(403, `bot was kicked from the ${kind} chat`);
    if (chat.bot_status === 'left') throw err(403, `bot is not a member of the ${kind} chat`);
    if (write && chat.can_send === false) throw err(400, 'not enough rights to send text messages to the chat');
    if (write && chat.type === 'channel' && chat.bot_status !== 'administrator') throw err(400, 'need administrator rights in the channel chat');
    return chat;
  }
  resolveThread(chat, q, { action = false } = {}) {
    const id = q.int('message_thread_id', 0);
    if (!id || action) return 0;
    if (chat.is_forum || chat.type === 'private') {
      if (chat.is_forum && id === 1) throw err(400, 'message thread not found');
      const t = chat.topics.get(id);
      if (!t) throw err(400, 'message thread not found');
      if (t.closed && chat.bot_status !== 'administrator') throw err(400, 'TOPIC_CLOSED');
      return id;
    }
    return 0;
  }
  rate(chat, cost = 1) {
    const L = this.config.limits;
    if (!L.enabled) return;
    const t = Date.now();
    const g = this.rates.global.filter(x => x > t - 1000);
    if (g.length + cost > L.globalPerSec) throw tooMany(1);
    const b = this.rates.chat.get(chat.id) ?? { tokens: L.perChatBurst, at: t };
    b.tokens = Math.min(L.perChatBurst, b.tokens + ((t - b.at) / 1000) * L.perChatPerSec);
    b.at = t;
    this.rates.chat.set(chat.id, b);
    if (b.tokens < 1) throw tooMany(Math.max(1, Math.ceil((1 - b.tokens) / L.perChatPerSec)));
    if (chat.type !== 'private') {
      const w = (this.rates.group.get(chat.id) ?? []).filter(x => x > t - 60000);
      if (w.length + cost > L.groupPerMin) { this.rates.group.set(chat.id, w); throw tooMany(Math.max(1, Math.ceil((w[0] + 60000 - t) / 1000))); }
      for (let i = 0; i < cost; i++) w.push(t);
      this.rates.group.set(chat.id, w);
    }
    b.tokens -= cost;
    for (let i = 0; i < cost; i++) g.push(t);
    this.rates.global = g;
  }
  formatted(q, field, entitiesField) {
    const text = q.str(field);
    const mode = q.str('parse_mode');
    if (mode && !['html', 'markdown', 'markdownv2', 'none'].includes(mode.toLowerCase())) throw err(400, 'Unsupported parse_mode');
    if (Buffer.from(text, 'utf8').toString('utf8') !== text || text.includes('\ufffd') && q.invalidUtf8) throw err(400, 'strings must be encoded in UTF-8');
    try { return formatText(text, mode, mode ? [] : q.json(entitiesField, 'entities') ?? []); } catch (e) {
      if (e instanceof ParseError) throw err(400, `can't parse entities: ${e.message}`);
      throw e;
    }
  }
  markup(q, chat) {
    const m = q.json('reply_markup', 'reply keyboard markup');
    if (m === undefined) return undefined;
    if (typeof m !== 'object' || Array.isArray(m) || m === null) throw err(400, 'object expected as reply markup');
    if (m.inline_keyboard) {
      if (!Array.isArray(m.inline_keyboard) || m.inline_keyboard.some(r => !Array.isArray(r))) throw err(400, 'field "inline_keyboard" must be an Array of Arrays');
      for (const b of m.inline_keyboard.flat()) {
        if (typeof b !== 'object' || b === null) throw err(400, "can't parse inline keyboard button: InlineKeyboardButton must be an Object");
        if (typeof b.text !== 'string') throw err(400, `can't parse inline keyboard button: Can't find field "text"`);
        const kinds = ['url', 'callback_data', 'login_url', 'web_app', 'switch_inline_query', 'switch_inline_query_current_chat', 'switch_inline_query_chosen_chat', 'copy_text', 'callback_game', 'pay'].filter(k => b[k] !== undefined);
        if (!b.text) throw err(400, 'inline keyboard button text must be non-empty');
        if (!kinds.length) throw err(400, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
        if (b.callback_data !== undefined && (Buffer.byteLength(String(b.callback_data)) > 64 || !String(b.callback_data))) throw err(400, 'BUTTON_DATA_INVALID');
        if (b.url !== undefined && !/^(https?|tg):\/\/\S+$/.test(b.url)) throw err(400, `inline keyboard button URL '${b.url}' is invalid: Wrong HTTP URL`);
      }
      if (m.inline_keyboard.flat().length > 100) throw err(400, 'REPLY_MARKUP_TOO_LONG');
      return m.inline_keyboard.flat().length ? { inline_keyboard: m.inline_keyboard.map(r => r.map(b => ({ ...b }))) } : undefined;
    }
    return m;
  }
  replyTo(chat, q) {
    let p = q.json('reply_parameters', 'reply parameters');
    let id = 0, loose = false, quote;
    if (p !== undefined) {
      if (typeof p !== 'object' || p === null) throw err(400, 'object expected as reply parameters');
      id = Number(p.message_id ?? 0);
      loose = p.allow_sending_without_reply === true || p.allow_sending_without_reply === 'true';
      quote = p.quote;
    } else {
      id = q.int('reply_to_message_id', 0);
      loose = q.bool('allow_sending_without_reply');
    }
    if (!id) return {};
    const m = chat.messages.get(id);
    if (!m || m.deleted) {
      if (loose) return {};
      throw err(400, 'message to be replied not found');
    }
    if (quote && !(m.text ?? m.caption ?? '').includes(quote)) throw err(400, 'QUOTE_TEXT_INVALID');
    return { reply_to: id, quote };
  }
  bodyText(q) {
    const raw = q.str('text');
    if (!raw) throw err(400, 'message text is empty');
    const f = this.formatted(q, 'text', 'entities');
    if (!f.text) throw err(400, 'text must be non-empty');
    if (charLen(f.text, this.config.lengthUnit) > this.config.textMax) throw err(400, 'message is too long');
    return { text: f.text, entities: detectEntities(f.text, f.entities) };
  }
  captionText(q, field = 'caption') {
    if (!q.str(field)) return {};
    const f = this.formatted(q, field, 'caption_entities');
    if (charLen(f.text, this.config.lengthUnit) > this.config.captionMax) throw err(400, 'message caption is too long');
    return f.text ? { caption: f.text, caption_entities: detectEntities(f.text, f.entities) } : {};
  }
  inputFile(q, field, kind) {
    let v = q.raw(field);
    let up = q.files[field];
    if (!up && typeof v === 'string' && v.startsWith('attach://')) up = q.files[v.slice(9)];
    if (up) {
      const max = kind === 'photo' ? this.config.photoUploadMax : this.config.uploadMax;
      if (up.data.length > max) {
        if (kind === 'photo') throw err(400, 'PHOTO_INVALID_DIMENSIONS');
        throw new ApiError(413, 'Request Entity Too Large');
      }
      if (!up.data.length) throw err(400, 'file must be non-empty');
      return this.storeFile(kind, { data: up.data, filename: up.filename || undefined, mime: up.mime });
    }
    if (!v) throw err(400, `there is no ${kind.replace('_', ' ')} in the request`);
    v = String(v);
    if (v.startsWith('attach://')) throw err(400, `there is no ${kind.replace('_', ' ')} in the request`);
    if (/^https?:\/\//.test(v)) throw err(400, 'failed to get HTTP URL content');
    const f = this.files.get(v);
    if (!f) throw err(400, v.length < 10 ? 'wrong remote file identifier specified: Wrong string length' : 'wrong file identifier/HTTP URL specified');
    if (f.kind !== kind && !(kind === 'document')) throw err(400, `can't use file of type ${f.kind[0].toUpperCase() + f.kind.slice(1)} as ${kind[0].toUpperCase() + kind.slice(1)}`);
    return this.storeFile(kind, { data: f.data, size: f.size, filename: f.name, mime: f.mime, unique: f.file_unique_id });
  }
  addBotMessage(bot, chat, fields) {
    const m = { message_id: this.nextMessageId(chat), date: now(), by: 'bot', bot: bot.id, history: [], reactions: [], ...fields };
    if (chat.type === 'channel') m.sender_chat = this.chatJson(chat); else m.from = this.botUser(bot);
    chat.messages.set(m.message_id, m);
    chat.lastBotMessage = m.message_id;
    this.notifyWaiters();
    return m;
  }
  sendCommon(bot, q) {
    const chat = this.resolveChat(q);
    const thread = this.resolveThread(chat, q);
    const reply = this.replyTo(chat, q);
    const reply_markup = this.markup(q, chat);
    const replied = reply.reply_to ? chat.messages.get(reply.reply_to) : undefined;
    const thread_id = thread || (replied?.is_topic ? replied.thread_id : undefined);
    return { chat, fields: { ...(thread_id ? { thread_id, is_topic: true } : {}), ...reply, ...(reply_markup ? { reply_markup } : {}), silent: q.bool('disable_notification') } };
  }
  ownMessage(bot, chat, q, what) {
    const m = chat.messages.get(q.int('message_id', 0));
    if (!m || m.deleted) throw err(400, `${what} not found`);
    if (m.bot !== bot.id) throw err(400, "message can't be edited");
    return m;
  }
  edited(bot, chat, m, change) {
    const before = { text: m.text, entities: m.entities, caption: m.caption, caption_entities: m.caption_entities, reply_markup: m.reply_markup, media: m.media?.sha256 };
    const after = { ...before, ...change, media: change.media ? change.media.sha256 : before.media };
    if (JSON.stringify(before) === JSON.stringify(after)) throw err(400, 'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message');
    if (this.config.limits.countEdits) this.rate(chat);
    m.history.push({ t: Date.now(), text: m.text ?? m.caption ?? '' });
    Object.assign(m, change);
    m.edit_date = now();
    this.notifyWaiters();
    return this.messageJson(chat, m);
  }

  // ---------------------------------------------------------------- methods
  async run(bot, method, q, ctx) {
    const m = method.toLowerCase();
    switch (m) {
      case 'getme': return { ...this.botUser(bot), can_join_groups: true, can_read_all_group_messages: bot.canReadAll, supports_inline_queries: false, can_connect_to_business: false, has_main_web_app: false };
      case 'getupdates': return this.getUpdates(bot, q, ctx);
      case 'setwebhook': return this.setWebhook(bot, q);
      case 'deletewebhook': return this.deleteWebhook(bot, q.bool('drop_pending_updates'));
      case 'getwebhookinfo': {
        this.expire(bot);
        const w = bot.webhook;
        return { url: w?.url ?? '', has_custom_certificate: !!w?.cert, pending_update_count: bot.queue.length, ...(w ? { max_connections: w.max, ip_address: w.ip } : {}),
          ...(w?.lastErrorDate ? { last_error_date: w.lastErrorDate, last_error_message: w.lastError } : {}),
          ...(bot.allowed.join() !== DEFAULT_ALLOWED.join() ? { allowed_updates: bot.allowed } : {}) };
      }
      case 'logout': case 'close': return true;
      case 'sendmessage': {
        const body = this.bodyText(q);
        const { chat, fields } = this.sendCommon(bot, q);
        this.rate(chat);
        const lp = q.json('link_preview_options', 'link preview options');
        return this.messageJson(chat, this.addBotMessage(bot, chat, { ...body, ...fields, ...(lp ? { link_preview_options: lp } : {}) }));
      }
      case 'sendmessagedraft': {
        const chat = this.resolveChat(q);
        if (chat.type !== 'private') throw err(400, 'TEXTDRAFT_PEER_INVALID');
        if (!q.int('draft_id', 0)) throw err(400, 'RANDOM_ID_INVALID');
        const f = this.formatted(q, 'text', 'entities');
        if (charLen(f.text, this.config.lengthUnit) > this.config.textMax) throw err(400, 'message is too long');
        this.drafts.push({ t: Date.now(), chat_id: chat.id, draft_id: q.int('draft_id', 0), text: f.text, html: renderHtml(f.text, f.entities) });
        return true;
      }
      case 'sendphoto': case 'senddocument': case 'sendvoice': case 'sendaudio': case 'sendvideo': case 'sendanimation': case 'sendsticker': case 'sendvideonote': {
        const kind = m === 'sendvideonote' ? 'video_note' : m.slice(4);
        const { chat, fields } = this.sendCommon(bot, q);
        const cap = kind === 'sticker' || kind === 'video_note' ? {} : this.captionText(q);
        const f = this.inputFile(q, kind, kind);
        this.rate(chat);
        return this.messageJson(chat, this.addBotMessage(bot, chat, { media: this.media(kind, f, { duration: q.int('duration', 0) || undefined, title: q.str('title') || undefined, performer: q.str('performer') || undefined }), ...cap, ...fields }));
      }
      case 'sendmediagroup': {
        const list = q.json('media', 'media');
        if (!Array.isArray(list)) throw err(400, 'expected an Array of InputMedia');
        if (list.length < 1 || list.length > 10) throw err(400, list.length ? 'too many messages to send as an album' : 'too few messages to send as an album');
        const kinds = new Set(list.map(x => x.type));
        for (const x of list) if (!['photo', 'video', 'document', 'audio'].includes(x.type)) throw err(400, `can't parse InputMedia: type must be one of photo, video, document, audio`);
        if ((kinds.has('document') || kinds.has('audio')) && kinds.size > 1) throw err(400, "Can't use the media of the specified type in the album");
        const { chat, fields } = this.sendCommon(bot, q);
        const parts = list.map(x => {
          const sub = this.query({ media: x.media, caption: x.caption, parse_mode: x.parse_mode, caption_entities: x.caption_entities }, q.files);
          const cap = this.captionText(sub);
          return { cap, kind: x.type, f: this.inputFile(sub, 'media', x.type) };
        });
        this.rate(chat, 1);
        const group = String(13000000000000000n + BigInt(crypto.randomInt(2 ** 40)));
        return parts.map(p => this.messageJson(chat, this.addBotMessage(bot, chat, { media: this.media(p.kind, p.f), ...p.cap, ...fields, ...(parts.length > 1 ? { media_group_id: group } : {}) })));
      }
      case 'sendlocation': {
        const { chat, fields } = this.sendCommon(bot, q);
        this.rate(chat);
        return this.messageJson(chat, this.addBotMessage(bot, chat, { service: { location: { latitude: Number(q.str('latitude')), longitude: Number(q.str('longitude')) } }, ...fields }));
      }
      case 'copymessage': case 'forwardmessage': {
        const from = this.resolveChat(q, false, 'from_chat_id');
        const src = from.messages.get(q.int('message_id', 0));
        if (!src || src.deleted) throw err(400, m === 'copymessage' ? 'message to copy not found' : 'message to forward not found');
        const { chat, fields } = this.sendCommon(bot, q);
        this.rate(chat);
        const copy = this.addBotMessage(bot, chat, { text: src.text, entities: src.entities, media: src.media, caption: src.caption, caption_entities: src.caption_entities, ...fields,
          ...(m === 'forwardmessage' ? { forward_origin: { type: 'user', sender_user: src.from, date: src.date } } : {}) });
        return m === 'copymessage' ? { message_id: copy.message_id } : this.messageJson(chat, copy);
      }
      case 'editmessagetext': {
        const body = this.bodyText(q);
        const chat = this.resolveChat(q);
        const msg = this.ownMessage(bot, chat, q, 'message to edit');
        if (msg.text === undefined) throw err(400, 'there is no text in the message to edit');
        return this.edited(bot, chat, msg, { ...body, reply_markup: this.markup(q, chat) });
      }
      case 'editmessagecaption': {
        const chat = this.resolveChat(q);
        const msg = this.ownMessage(bot, chat, q, 'message to edit');
        if (!msg.media) throw err(400, 'there is no caption in the message to edit');
        const cap = this.captionText(q);
        return this.edited(bot, chat, msg, { caption: cap.caption, caption_entities: cap.caption_entities, reply_markup: this.markup(q, chat) });
      }
      case 'editmessagereplymarkup': {
        const chat = this.resolveChat(q);
        const msg = this.ownMessage(bot, chat, q, 'message to edit');
        return this.edited(bot, chat, msg, { reply_markup: this.markup(q, chat) });
      }
      case 'editmessagemedia': {
        const chat = this.resolveChat(q);
        const msg = this.ownMessage(bot, chat, q, 'message to edit');
        const x = q.json('media', 'input media');
        if (!x?.type) throw err(400, "can't parse InputMedia");
        const sub = this.query({ media: x.media, caption: x.caption, parse_mode: x.parse_mode }, q.files);
        const f = this.inputFile(sub, 'media', x.type);
        const cap = this.captionText(sub);
        return this.edited(bot, chat, msg, { text: undefined, entities: undefined, media: this.media(x.type, f), caption: cap.caption, caption_entities: cap.caption_entities, reply_markup: this.markup(q, chat) });
      }
      case 'deletemessage': case 'deletemessages': {
        const chat = this.resolveChat(q);
        const ids = m === 'deletemessage' ? [q.int('message_id', 0)] : q.json('message_ids', 'message identifiers') ?? [];
        for (const id of ids) {
          const msg = chat.messages.get(Number(id));
          if (!msg || msg.deleted) { if (m === 'deletemessages') continue; throw err(400, 'message to delete not found'); }
          const mine = msg.bot === bot.id;
          if ((!mine && chat.type !== 'private' && chat.bot_status !== 'administrator') || now() - msg.date > 48 * 3600) throw err(400, "message can't be deleted");
          msg.deleted = true;
          msg.deletedAt = Date.now();
        }
        this.notifyWaiters();
        return true;
      }
      case 'sendchataction': {
        const action = q.str('action').toLowerCase();
        if (!ACTIONS.has(action)) throw err(400, 'wrong parameter action in request');
        const chat = this.resolveChat(q);
        this.chatActions.push({ t: Date.now(), chat_id: chat.id, action, message_thread_id: q.int('message_thread_id', 0) || undefined });
        return true;
      }
      case 'setmessagereaction': {
        const chat = this.resolveChat(q, false);
        const msg = chat.messages.get(q.int('message_id', 0));
        if (!msg || msg.deleted) throw err(400, 'message to react not found');
        const list = q.json('reaction', 'reaction types') ?? [];
        if (!Array.isArray(list)) throw err(400, 'expected an Array of ReactionType');
        if (list.length > 1) throw err(400, 'REACTIONS_TOO_MANY');
        for (const r of list) {
          if (r?.type !== 'emoji' && r?.type !== 'custom_emoji') throw err(400, "can't parse ReactionType: invalid reaction type specified");
          if (r.type === 'emoji' && !REACTIONS.has(r.emoji)) throw err(400, 'REACTION_INVALID');
        }
        msg.reactions = [...(msg.reactions ?? []).filter(r => r.by !== bot.id), ...list.map(r => ({ by: bot.id, emoji: r.emoji ?? r.custom_emoji_id }))];
        this.notifyWaiters();
        return true;
      }
      case 'answercallbackquery': {
        const c = this.callbacks.get(q.str('callback_query_id'));
        if (!c || Date.now() - c.at > this.config.callbackTtlMs) throw err(400, 'query is too old and response timeout expired or query ID is invalid');
        if (q.str('text').length > 200) throw err(400, 'MESSAGE_TOO_LONG');
        c.answered = (c.answered ?? 0) + 1;
        c.text = q.str('text');
        c.alert = q.bool('show_alert');
        c.answeredAt = Date.now();
        return true;
      }
      case 'setmycommands': case 'getmycommands': case 'deletemycommands': {
        const scope = q.json('scope', 'BotCommandScope') ?? { type: 'default' };
        const key = JSON.stringify(scope) + '|' + q.str('language_code');
        if (m === 'getmycommands') return bot.commands.get(key) ?? [];
        if (m === 'deletemycommands') { bot.commands.delete(key); return true; }
        const list = q.json('commands', 'commands');
        if (!Array.isArray(list)) throw err(400, 'expected an Array of BotCommand');
        if (list.length > 100) throw err(400, 'BOT_COMMANDS_TOO_MUCH');
        for (const c of list) {
          if (!/^[a-z0-9_]{1,32}$/.test(String(c.command ?? '').replace(/^\//, ''))) throw err(400, 'BOT_COMMAND_INVALID');
          if (!c.description || c.description.length > 256) throw err(400, 'BOT_COMMAND_DESCRIPTION_INVALID');
        }
        bot.commands.set(key, list.map(c => ({ command: c.command.replace(/^\//, ''), description: c.description })));
        return true;
      }
      case 'getmyname': return { name: bot.name };
      case 'setmyname': bot.name = q.str('name'); return true;
      case 'getmydescription': return { description: bot.description };
      case 'setmydescription': bot.description = q.str('description'); return true;
      case 'getmyshortdescription': return { short_description: bot.short_description };
      case 'setmyshortdescription': bot.short_description = q.str('short_description'); return true;
      case 'setchatmenubutton': return true;
      case 'getchatmenubutton': return { type: 'commands' };
      case 'getuserprofilephotos': return { total_count: 0, photos: [] };
      case 'getchat': {
        const chat = this.resolveChat(q, false);
        return { ...this.chatJson(chat), accent_color_id: 0, max_reaction_count: 11, accepted_gift_types: { unlimited_gifts: true, limited_gifts: true, unique_gifts: true, premium_subscription: true, gifts_from_channels: true },
          ...(chat.description ? { description: chat.description } : {}), ...(chat.type === 'private' ? {} : { permissions: { can_send_messages: chat.can_send !== false } }) };
      }
      case 'getchatmember': {
        const chat = this.resolveChat(q, false);
        const id = q.int('user_id', 0);
        if (id === bot.id) return { user: this.botUser(bot), status: chat.bot_status, ...(chat.bot_status === 'administrator' ? { can_be_edited: false, is_anonymous: false, can_manage_chat: true, can_delete_messages: true, can_manage_video_chats: true, can_restrict_members: true, can_promote_members: false, can_change_info: true, can_invite_users: true, can_manage_topics: true } : {}) };
        const u = this.users.get(id);
        if (!u) throw err(400, 'invalid user_id specified');
        if (chat.type === 'private') return { user: this.userJson(u), status: 'member' };
        const member = chat.members.get(id);
        return { user: this.userJson(u), status: member?.status ?? 'left' };
      }
      case 'getchatadministrators': {
        const chat = this.resolveChat(q, false);
        if (chat.type === 'private') throw err(400, 'there are no administrators in the private chat');
        return [...chat.members].filter(([, v]) => ['creator', 'administrator'].includes(v.status)).map(([id, v]) => ({ user: this.userJson(this.users.get(id)), status: v.status }));
      }
      case 'getchatmembercount': { const chat = this.resolveChat(q, false); return chat.type === 'private' ? 2 : chat.members.size + 1; }
      case 'leavechat': { const chat = this.resolveChat(q, false); chat.bot_status = 'left'; return true; }
      case 'pinchatmessage': case 'unpinchatmessage': case 'unpinallchatmessages': { this.resolveChat(q); return true; }
      case 'createforumtopic': {
        const chat = this.forum(q);
        const name = q.str('name');
        if (!name || name.length > 128) throw err(400, 'TOPIC_TITLE_EMPTY');
        return clone(this.topicJson(this.topic(chat, { name, icon_color: q.int('icon_color', 7322096), from: this.botUser(bot) })));
      }
      case 'editforumtopic': case 'closeforumtopic': case 'reopenforumtopic': case 'deleteforumtopic': {
        const chat = this.forum(q);
        const t = chat.topics.get(q.int('message_thread_id', 0));
        if (!t) throw err(400, 'message thread not found');
        if (m === 'editforumtopic') { const n = q.str('name'); if (n === t.name) throw err(400, 'TOPIC_NOT_MODIFIED'); if (n) t.name = n; }
        if (m === 'closeforumtopic') { if (t.closed) throw err(400, 'TOPIC_NOT_MODIFIED'); t.closed = true; }
        if (m === 'reopenforumtopic') { if (!t.closed) throw err(400, 'TOPIC_NOT_MODIFIED'); t.closed = false; }
        if (m === 'deleteforumtopic') { chat.topics.delete(t.message_thread_id); for (const x of chat.messages.values()) if (x.thread_id === t.message_thread_id) x.deleted = true; }
        return true;
      }
      case 'getfile': {
        const id = q.str('file_id');
        if (!id) throw err(400, 'file_id not specified');
        const f = this.files.get(id);
        if (!f) throw err(400, 'wrong file_id or the file is temporarily unavailable');
        if (f.size > this.config.downloadMax) throw err(400, 'file is too big');
        const path = f.path;
        this.filePaths.set(path, { f, until: Date.now() + this.config.fileLinkTtlSec * 1000 });
        return { file_id: f.file_id, file_unique_id: f.file_unique_id, file_size: f.size, file_path: path };
      }
      default: throw new ApiError(404, 'Not Found: method not found');
    }
  }
  forum(q) {
    const chat = this.resolveChat(q);
    if (!chat.is_forum) throw err(400, 'the chat is not a forum');
    if (chat.bot_status !== 'administrator') throw err(400, 'not enough rights to create a topic');
    return chat;
  }
  topicJson(t) { const { closed, ...rest } = t; return rest; }

  query(args, files) {
    const raw = k => args[k];
    const str = k => { const v = args[k]; return v === undefined || v === null ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v); };
    return {
      args, files, raw, str,
      bool: k => ['true', 'yes', '1'].includes(str(k).toLowerCase()),
      int: (k, d, min, max) => {
        const s = str(k);
        let n = /^-?\d+$/.test(s) ? Number(s) : d;
        if (min !== undefined) n = Math.max(min, n);
        if (max !== undefined) n = Math.min(max, n);
        return n;
      },
      json: (k, what) => {
        const v = args[k];
        if (v === undefined || v === null || v === '') return undefined;
        if (typeof v !== 'string') return v;
        try { return JSON.parse(v); } catch { throw err(400, `can't parse ${what} JSON object`); }
      },
    };
  }

  // ---------------------------------------------------------------- faults
  takeFault(method, args, url) {
    for (const f of this.faults) {
      if (f.count <= 0) continue;
      if (f.method && f.method !== '*' && f.method.toLowerCase() !== method.toLowerCase()) continue;
      if (f.except && [].concat(f.except).some(x => x.toLowerCase() === method.toLowerCase())) continue;
      if (f.chat_id !== undefined && String(args.chat_id) !== String(f.chat_id)) continue;
      if (f.contains && !String(args.text ?? args.caption ?? '').includes(f.contains)) continue;
      if (f.skip > 0) { f.skip--; continue; }
      f.count--;
      f.hits = (f.hits ?? 0) + 1;
      return f;
    }
    return null;
  }

  async dispatch(bot, method, args, files, ctx) {
    const entry = ctx.entry ?? { n: ++this.seq, t: Date.now(), bot: bot.id, method, via: ctx.viaWebhook ? 'webhook reply' : 'http' };
    if (!ctx.entry) this.log(entry);
    ctx.entry = entry;
    entry.params = args;
    if (Object.keys(files).length) entry.files = Object.fromEntries(Object.entries(files).map(([k, f]) => [k, { filename: f.filename, mime: f.mime, size: f.data.length }]));
    const done = r => { entry.ms = Date.now() - entry.t; Object.assign(entry, { status: r.status, ok: r.status === 200, ...(r.status === 200 ? { result: summary(r.body.result) } : { error: r.body.description }) }); this.notifyWaiters(); return r; };
    try {
      const r = await this.run(bot, method, this.query(args, files), ctx);
      const wrapped = r && typeof r === 'object' && 'result' in r && 'description' in r ? { ok: true, result: r.result, description: r.description } : { ok: true, result: r };
      return done({ status: 200, body: wrapped });
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      return done(errorResponse(e));
    }
  }
  log(entry) {
    this.calls.push(entry);
    if (this.calls.length > this.config.logMax) this.calls.splice(0, this.calls.length - this.config.logMax);
  }
  notifyWaiters() { for (const w of this.waiters ?? []) w(); }
  async waitFor(test, timeoutMs) {
    this.waiters ??= new Set();
    const end = Date.now() + timeoutMs;
    for (;;) {
      const v = test();
      if (v) return v;
      const left = end - Date.now();
      if (left <= 0) return null;
      await new Promise(r => { const w = () => { clearTimeout(t); this.waiters.delete(w); r(); }; const t = setTimeout(w, Math.min(left, 200)); this.waiters.add(w); });
    }
  }

  // ---------------------------------------------------------------- Bot API HTTP
  async onApi(req, res) {
    const url = new URL(req.url, 'http://lab');
    const send = (status, body, headers = {}) => {
      if (res.destroyed || res.writableEnded) return;
      const buf = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      res.writeHead(status, { server: 'nginx', 'content-type': 'application/json', 'content-length': buf.length, ...headers });
      res.end(buf);
    };
    const fm = /^\/file\/bot([^/]+)\/(.+)$/.exec(url.pathname);
    if (fm) return this.onFile(decodeURIComponent(fm[1]), decodeURIComponent(fm[2]), req, res, send);
    const m = /^\/bot([^/]*)\/(?:test\/)?(.*)$/.exec(url.pathname);
    if (!m) return send(404, { ok: false, error_code: 404, description: 'Not Found' });
    const token = decodeURIComponent(m[1]), method = m[2].replace(/\/+$/, '');
    const entry = { n: ++this.seq, t: Date.now(), method, via: 'http', verb: req.method };
    this.log(entry);
    let body;
    try { body = await readBody(req, this.config.uploadMax + (1 << 20)); } catch (e) {
      entry.status = 413; entry.error = 'Request Entity Too Large';
      if (e.tooLarge) { send(413, { ok: false, error_code: 413, description: 'Request Entity Too Large' }, { connection: 'close' }); req.resume(); }
      return;
    }
    const args = Object.fromEntries(url.searchParams);
    let files = {};
    const ct = String(req.headers['content-type'] ?? '');
    if (body.length) {
      if (ct.includes('application/json')) {
        let j;
        try { j = JSON.parse(body.toString('utf8')); } catch { j = null; }
        if (!j || typeof j !== 'object' || Array.isArray(j)) { entry.status = 400; return send(400, { ok: false, error_code: 400, description: "Bad Request: can't parse JSON object" }); }
        for (const [k, v] of Object.entries(j)) if (v !== null) args[k] = v;
      } else if (ct.includes('multipart/form-data')) {
        const p = parseMultipart(body, ct);
        Object.assign(args, p.args);
        files = p.files;
      } else if (ct.includes('urlencoded') || !ct) Object.assign(args, Object.fromEntries(new URLSearchParams(body.toString('utf8'))));
      else { entry.status = 400; return send(400, { ok: false, error_code: 400, description: 'Bad Request: unsupported Content-Type' }); }
    }
    entry.params = args;
    const bot = this.bots.get(token);
    const fault = this.takeFault(method, args, url);
    if (fault) {
      const kind = fault.action ?? 'error';
      entry.fault = kind;
      if (fault.delay_ms) await sleep(fault.delay_ms);
      if (kind === 'reset') { entry.ms = Date.now() - entry.t; return hardReset(req.socket); }
      if (kind === 'hang') { entry.note = 'never answered'; return; }
      if (kind === 'error') {
        const e = new ApiError(fault.code ?? 500, fault.description ?? (fault.code === 429 ? `Too Many Requests: retry after ${fault.retry_after ?? 1}` : { 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' }[fault.code ?? 500] ?? 'Error'),
          fault.parameters ?? (fault.code === 429 ? { retry_after: fault.retry_after ?? 1 } : undefined));
        const r = errorResponse(e);
        Object.assign(entry, { status: r.status, ok: false, error: e.message, ms: Date.now() - entry.t });
        this.notifyWaiters();
        return send(r.status, r.body, r.headers);
      }
      if (kind === 'html') {
        const code = fault.code ?? 502;
        Object.assign(entry, { status: code, ok: false, error: 'html page' });
        this.notifyWaiters();
        return send(code, `<html>\r\n<head><title>${code} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${code} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`, { 'content-type': 'text/html' });
      }
    }
    if (!bot) {
      const shape = /^[1-9]\d*:.+$/.test(token) && token.length <= 80;
      Object.assign(entry, { status: 401, ok: false, error: 'Unauthorized' });
      this.notifyWaiters();
      return send(401, { ok: false, error_code: 401, description: shape ? 'Unauthorized' : 'Unauthorized: invalid token specified' });
    }
    entry.bot = bot.id;
    const closers = [];
    res.on('close', () => { if (!res.writableEnded) for (const c of closers) c(); });
    let r;
    try { r = await this.dispatch(bot, method, args, files, { entry, onClose: f => closers.push(f) }); } catch (e) {
      process.stderr.write(`lab error: ${e.stack}\n`);
      r = errorResponse(new ApiError(500, 'Internal Server Error: ' + e.message));
    }
    if (fault?.action === 'drop_after') { entry.note = 'processed, answer dropped'; return hardReset(req.socket); }
    if (fault?.action === 'truncate') {
      const full = Buffer.from(JSON.stringify(r.body));
      res.writeHead(r.status, { 'content-type': 'application/json', 'content-length': full.length });
      res.write(full.subarray(0, Math.max(1, full.length >> 1)));
      setTimeout(() => hardReset(req.socket), 20);
      return;
    }
    if (fault?.action === 'slow') {
      const full = Buffer.from(JSON.stringify(r.body));
      res.writeHead(r.status, { 'content-type': 'application/json', 'content-length': full.length });
      const step = Math.max(1, Math.ceil(full.length / 20));
      for (let i = 0; i < full.length && !res.destroyed; i += step) { res.write(full.subarray(i, i + step)); await sleep((fault.total_ms ?? 2000) / 20); }
      res.end();
      return;
    }
    if (fault?.delay_after_ms) await sleep(fault.delay_after_ms);
    send(r.status, r.body, r.headers);
  }
  async onFile(token, path, req, res, send) {
    const entry = { n: ++this.seq, t: Date.now(), method: 'file', via: 'http', params: { path } };
    this.log(entry);
    const fault = this.takeFault('file', { path }, null);
    if (fault) {
      entry.fault = fault.action ?? 'error';
      if (fault.delay_ms) await sleep(fault.delay_ms);
      if (fault.action === 'reset') return hardReset(req.socket);
      if (!fault.action || fault.action === 'error') { entry.status = fault.code ?? 500; return send(fault.code ?? 500, { ok: false, error_code: fault.code ?? 500, description: 'Internal Server Error' }); }
    }
    if (!this.bots.has(token)) { entry.status = 401; return send(401, { ok: false, error_code: 401, description: 'Unauthorized' }); }
    const e = this.filePaths.get(path);
    if (!e || e.until < Date.now()) { entry.status = 404; return send(404, { ok: false, error_code: 404, description: 'Not Found' }); }
    const data = e.f.data ?? Buffer.alloc(e.f.size);
    entry.status = 200;
    if (fault?.action === 'truncate') {
      res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': data.length });
      res.write(data.subarray(0, data.length >> 1));
      setTimeout(() => hardReset(req.socket), 20);
      return;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(req.headers.range ?? ''));
    if (range) {
      const from = Number(range[1]), to = Math.min(range[2] ? Number(range[2]) : data.length - 1, data.length - 1);
      return send(206, data.subarray(from, to + 1), { 'content-type': 'application/octet-stream', 'content-range': `bytes ${from}-${to}/${data.length}` });
    }
    send(200, data, { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' });
  }

  // ---------------------------------------------------------------- injection: what users do
  target(p, type = 'message') {
    const bot = this.botOf(p.bot);
    const from = p.from !== undefined || p.user_id !== undefined || type !== 'channel_post' ? this.user(p.from ?? p.user_id ?? (Number(p.chat_id) > 0 ? Number(p.chat_id) : undefined)) : undefined;
    let chat;
    if (p.chat) chat = this.chat(p.chat);
    else if (p.chat_id !== undefined && Number(p.chat_id) !== from?.id) chat = this.chat({ id: p.chat_id });
    else { from.started = true; chat = this.privateChat(from); }
    if (chat.type === 'private' && from) from.started = true;
    else if (from && chat.members && !chat.members.has(from.id)) chat.members.set(from.id, { status: 'member' });
    return { bot, from, chat };
  }
  canSee(bot, chat, m) {
    if (chat.type === 'private' || chat.type === 'channel') return chat.bot_status === 'kicked' ? [false, 'bot is not in the chat'] : [true];
    if (chat.bot_status === 'kicked' || chat.bot_status === 'left') return [false, 'bot is not in the chat'];
    if (bot.canReadAll || chat.bot_status === 'administrator') return [true];
    if (m.service) return [true];
    const text = m.text ?? m.caption ?? '';
    const ents = m.entities ?? m.caption_entities ?? [];
    const replied = m.reply_to ? chat.messages.get(m.reply_to) : undefined;
    if (replied?.bot === bot.id) return [true];
    for (const e of ents) {
      const t = text.slice(e.offset, e.offset + e.length).toLowerCase();
      if (e.type === 'bot_command') {
        const at = t.indexOf('@');
        if (at < 0 || t.slice(at + 1) === bot.username.toLowerCase()) return [true];
      }
      if (e.type === 'mention' && t === '@' + bot.username.toLowerCase() && this.config.privacyDeliversMentions) return [true];
      if (e.type === 'text_mention' && e.user?.id === bot.id) return [true];
    }
    return [false, 'privacy mode hides this message from the bot'];
  }
  buildUserMessage(bot, chat, from, p, kind) {
    const m = { message_id: this.nextMessageId(chat), date: p.date ?? now(), by: 'user', history: [], reactions: [] };
    if (kind === 'channel_post') m.sender_chat = this.chatJson(chat);
    else m.from = this.userJson(from);
    if (p.sender_chat) { m.sender_chat = this.chatJson(this.chat(p.sender_chat)); m.from = { id: 1087968824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' }; }
    if (p.reply_to_message_id) m.reply_to = Number(p.reply_to_message_id);
    if (p.quote) m.quote = p.quote;
    if (p.message_thread_id && Number(p.message_thread_id) !== 1) {
      const id = Number(p.message_thread_id);
      if (chat.is_forum || chat.type === 'private') { if (!chat.topics.has(id)) this.topic(chat, { id, name: p.topic_name }); m.is_topic = true; }
      m.thread_id = id;
    } else if (m.reply_to && chat.type === 'supergroup' && !chat.is_forum) m.thread_id = m.reply_to;
    if (p.media_group_id) m.media_group_id = String(p.media_group_id);
    if (p.forward_from) m.forward_origin = { type: 'user', sender_user: this.userJson(this.user(p.forward_from)), date: now() };
    const format = (text, ents) => {
      const f = p.parse_mode ? formatText(text, p.parse_mode) : { text, entities: ents ?? [] };
      return { text: f.text, entities: detectEntities(f.text, f.entities) };
    };
    if (p.text !== undefined) { const f = format(String(p.text), p.entities); m.text = f.text; m.entities = f.entities; }
    for (const k of Object.keys(MEDIA)) {
      if (p[k] === undefined || p[k] === false) continue;
      const s = p[k] === true ? {} : typeof p[k] === 'string' ? { base64: p[k] } : p[k];
      const data = s.base64 !== undefined ? Buffer.from(s.base64, 'base64') : s.text !== undefined ? Buffer.from(s.text) : s.size ? undefined : crypto.randomBytes(64);
      const f = this.storeFile(k, { data, size: s.size, filename: s.file_name, mime: s.mime_type });
      m.media = this.media(k, f, s);
      if (p.caption !== undefined) { const c = format(String(p.caption), p.caption_entities); m.caption = c.text; m.caption_entities = c.entities; }
      break;
    }
    if (p.location) m.service = { location: p.location };
    if (p.contact) m.service = { contact: p.contact };
    if (p.service) m.service = p.service;
    chat.messages.set(m.message_id, m);
    return m;
  }
  inject(kind, p) {
    const record = r => { this.injected.push({ t: Date.now(), kind, params: p, ...r }); this.notifyWaiters(); return r; };
    if (kind === 'raw') {
      const bot = this.botOf(p.bot);
      const { update_id, ...body } = p.update;
      const type = Object.keys(body)[0];
      return record(this.push(bot, type, body[type], p.key));
    }
    if (kind === 'message' || kind === 'channel_post') {
      const { bot, from, chat } = this.target(kind === 'channel_post' ? { ...p, chat: p.chat ?? { id: p.chat_id, type: 'channel', bot_status: 'administrator' } } : p, kind);
      if (chat.type === 'channel') kind = 'channel_post';
      const m = this.buildUserMessage(bot, chat, from, p, kind);
      const [ok, reason] = this.canSee(bot, chat, m);
      const fileId = m.media ? (Array.isArray(m.media.value) ? m.media.value[m.media.value.length - 1].file_id : m.media.value.file_id) : undefined;
      const base = { chat_id: chat.id, message_id: m.message_id, ...(fileId ? { file_id: fileId, sha256: m.media.sha256 } : {}) };
      if (!ok) return record({ ...base, delivered: false, reason });
      return record({ ...base, ...this.push(bot, kind, this.messageJson(chat, m), chat.id) });
    }
    if (kind === 'edit') {
      const bot = this.botOf(p.bot);
      const chat = this.chats.get(Number(p.chat_id));
      const m = chat?.messages.get(Number(p.message_id));
      if (!m) throw new ApiError(404, 'no such message');
      m.history.push({ t: Date.now(), text: m.text ?? m.caption ?? '' });
      if (p.text !== undefined) { m.text = String(p.text); m.entities = detectEntities(m.text); }
      if (p.caption !== undefined) { m.caption = String(p.caption); m.caption_entities = detectEntities(m.caption); }
      m.edit_date = now();
      const [ok, reason] = this.canSee(bot, chat, m);
      if (!ok) return record({ delivered: false, reason });
      return record({ chat_id: chat.id, message_id: m.message_id, ...this.push(bot, chat.type === 'channel' ? 'edited_channel_post' : 'edited_message', this.messageJson(chat, m), chat.id) });
    }
    if (kind === 'callback') {
      const bot = this.botOf(p.bot);
      const chat = this.chats.get(Number(p.chat_id ?? p.user_id));
      const m = chat?.messages.get(Number(p.message_id));
      if (!m) throw new ApiError(404, 'no such message');
      let data = p.data;
      if (p.button !== undefined) {
        const b = (m.reply_markup?.inline_keyboard ?? []).flat().find(x => x.text === p.button);
        if (!b) throw new ApiError(404, `the message shows no button "${p.button}"`);
        data = b.callback_data;
      } else if (p.strict !== false && !(m.reply_markup?.inline_keyboard ?? []).flat().some(x => x.callback_data === data)) throw new ApiError(404, `the message shows no button with data "${data}"`);
      const id = String(4382000000000000n + BigInt(++this.seq) * 7919n);
      const from = this.user(p.from ?? p.user_id ?? (chat.type === 'private' ? chat.user_id : undefined));
      this.callbacks.set(id, { id, at: Date.now(), data, chat_id: chat.id, message_id: m.message_id, from: from.id });
      return record({ callback_query_id: id, ...this.push(bot, 'callback_query', { id, from: this.userJson(from), message: m.deleted ? { chat: this.chatJson(chat), message_id: m.message_id, date: 0 } : this.messageJson(chat, m), chat_instance: String(-8100000000000000n - BigInt(Math.abs(chat.id) % 1e9)), data }, 'cb' + from.id) });
    }
    if (kind === 'reaction') {
      const bot = this.botOf(p.bot);
      const chat = this.chats.get(Number(p.chat_id ?? p.user_id));
      const m = chat?.messages.get(Number(p.message_id));
      if (!m) throw new ApiError(404, 'no such message');
      const from = this.user(p.from ?? p.user_id ?? (chat.type === 'private' ? chat.user_id : undefined));
      const old = (m.reactions ?? []).filter(r => r.by === from.id).map(r => ({ type: 'emoji', emoji: r.emoji }));
      const list = p.remove ? [] : [].concat(p.emoji ?? '👍').map(e => ({ type: 'emoji', emoji: e }));
      m.reactions = [...(m.reactions ?? []).filter(r => r.by !== from.id), ...list.map(r => ({ by: from.id, emoji: r.emoji }))];
      if (chat.type !== 'private' && chat.bot_status !== 'administrator') return record({ delivered: false, reason: 'reactions reach only bots that administer the chat' });
      return record(this.push(bot, 'message_reaction', { chat: this.chatJson(chat), message_id: m.message_id, user: this.userJson(from), date: now(), old_reaction: old, new_reaction: list }, chat.id));
    }
    if (kind === 'my_chat_member') {
      const { bot, from, chat } = this.target(p);
      const before = chat.type === 'private' ? (from.blocked ? 'kicked' : 'member') : chat.bot_status;
      const status = p.status ?? 'member';
      if (chat.type === 'private') from.blocked = status === 'kicked';
      else chat.bot_status = status;
      const member = s => ({ user: this.botUser(bot), status: s, ...(s === 'kicked' ? { until_date: 0 } : {}) });
      return record(this.push(bot, 'my_chat_member', { chat: this.chatJson(chat), from: this.userJson(from), date: now(), old_chat_member: member(before), new_chat_member: member(status) }, chat.id));
    }
    if (kind === 'migrate') {
      const bot = this.botOf(p.bot);
      const chat = this.chats.get(Number(p.chat_id));
      if (!chat) throw new ApiError(404, 'no such chat');
      const to = Number(p.to ?? `-100${Math.abs(chat.id) + 1}`);
      const next = this.chat({ id: to, type: 'supergroup', title: chat.title, bot_status: chat.bot_status });
      chat.migrated_to = to;
      const a = this.buildUserMessage(bot, chat, this.user(p.from), { service: { migrate_to_chat_id: to } }, 'message');
      const b = this.buildUserMessage(bot, next, this.user(p.from), { service: { migrate_from_chat_id: chat.id } }, 'message');
      return record({ to, updates: [this.push(bot, 'message', this.messageJson(chat, a), chat.id), this.push(bot, 'message', this.messageJson(next, b), next.id)] });
    }
    throw new ApiError(404, `no injection named ${kind}`);
  }

  // ---------------------------------------------------------------- control HTTP
  messagesOf(chatId, { by, includeDeleted } = {}) {
    const chats = chatId !== undefined && chatId !== null ? [this.chats.get(Number(chatId))].filter(Boolean) : [...this.chats.values()];
    return chats.flatMap(c => [...c.messages.values()].filter(m => (includeDeleted || !m.deleted) && (!by || m.by === by)).map(m => ({ chat_id: c.id, ...this.visible(c, m) })));
  }
  once({ chat_id, texts, match = 'equal', allow_extra = true }) {
    const shown = this.messagesOf(chat_id, { by: 'bot' });
    const groups = new Map();
    for (const m of shown) { const k = `${m.chat_id}|${m.message_thread_id ?? ''}|${m.text}|${m.media?.sha256 ?? ''}`; groups.set(k, [...(groups.get(k) ?? []), m.message_id]); }
    const repeated = [...groups].filter(([, v]) => v.length > 1).map(([k, v]) => ({ key: k, message_ids: v }));
    if (!texts) return { ok: repeated.length === 0, repeated, total: shown.length };
    const hit = (m, t) => (match === 'contains' ? m.text.includes(t) : m.text === t);
    const rows = texts.map(t => ({ text: t, times: shown.filter(m => hit(m, t)).length }));
    const missing = rows.filter(r => r.times === 0).map(r => r.text), duplicated = rows.filter(r => r.times > 1);
    const extra = shown.filter(m => !texts.some(t => hit(m, t))).map(m => m.text);
    return { ok: !missing.length && !duplicated.length && (allow_extra || !extra.length), missing, duplicated, extra, total: shown.length };
  }
  async onControl(req, res) {
    const url = new URL(req.url, 'http://lab');
    const send = (status, body) => { const b = Buffer.from(JSON.stringify(body)); res.writeHead(status, { 'content-type': 'application/json', 'content-length': b.length }); res.end(b); };
    try {
      const raw = await readBody(req, 256 << 20);
      const p = raw.length ? JSON.parse(raw.toString('utf8')) : {};
      const g = Object.fromEntries(url.searchParams);
      send(200, await this.control(req.method, url.pathname, p, g));
    } catch (e) {
      send(e instanceof ApiError ? e.code : 400, { error: e.message });
    }
  }
  async control(verb, path, p, g) {
    const m = /^\/inject\/([a-z_]+)$/.exec(path);
    if (m) return this.inject(m[1], p);
    switch (path) {
      case '/': return { name: 'telegram-lab', inject: ['message', 'channel_post', 'edit', 'callback', 'reaction', 'my_chat_member', 'migrate', 'raw'],
        paths: ['/config', '/reset', '/user', '/chat', '/bot', '/faults', '/calls', '/messages', '/check/once', '/actions', '/drafts', '/callbacks', '/webhook/posts', '/updates', '/wait/calls', '/wait/messages', '/file'] };
      case '/config': if (verb === 'POST') { merge(this.config, p); this.rates = { chat: new Map(), group: new Map(), global: [] }; } return this.config;
      case '/reset': this.reset(); return { ok: true };
      case '/user': { const u = this.user(p); if (u.started) this.privateChat(u); return u; }
      case '/chat': { const c = this.chat(p); return { ...this.chatJson(c), bot_status: c.bot_status, topics: [...c.topics.values()] }; }
      case '/bot': {
        if (p.revoke) { const b = this.bots.get(p.revoke); if (b) { b.poll?.finish({ error: new ApiError(401, 'Unauthorized') }); b.gone = true; } this.bots.delete(p.revoke); return { ok: true }; }
        const token = p.token ?? this.token;
        const b = this.bots.get(token) ?? this.addBot(token, p);
        if (p.can_read_all_group_messages !== undefined) b.canReadAll = p.can_read_all_group_messages;
        if (p.username) b.username = p.username;
        return { token, ...this.botUser(b), can_read_all_group_messages: b.canReadAll };
      }
      case '/faults':
        if (verb === 'DELETE') this.faults = [];
        else if (verb === 'POST') this.faults.push(...[].concat(p).map(f => ({ count: 1, skip: 0, ...f })));
        return this.faults;
      case '/calls': {
        if (verb === 'DELETE') { this.calls = []; return []; }
        return this.calls.filter(c => (!g.method || c.method.toLowerCase() === g.method.toLowerCase()) && (!g.after || c.n > Number(g.after)) && (!g.ok || String(c.ok) === g.ok));
      }
      case '/messages': return this.messagesOf(g.chat_id, { by: g.by, includeDeleted: g.deleted === 'true' });
      case '/check/once': return this.once(verb === 'POST' ? p : { chat_id: g.chat_id });
      case '/actions': return this.chatActions;
      case '/drafts': return this.drafts;
      case '/callbacks': return [...this.callbacks.values()];
      case '/webhook/posts': return this.webhookPosts;
      case '/injected': return this.injected;
      case '/updates': { const b = this.botOf(p.bot ?? g.bot); return { pending: b.queue.map(u => ({ update_id: u.id, type: u.type, sent: u.sent ?? 0, fails: u.fails })), next_update_id: b.nextUpdateId, delivered: b.delivered.size, polling: !!b.poll, allowed_updates: b.allowed }; }
      case '/wait/calls': {
        const need = Number(g.count ?? 1), after = Number(g.after ?? 0);
        const r = await this.waitFor(() => { const l = this.calls.filter(c => c.status !== undefined && c.method.toLowerCase() === String(g.method).toLowerCase() && c.n > after); return l.length >= need ? l : null; }, Number(g.timeout_ms ?? 5000));
        if (!r) throw new ApiError(408, 'timed out'); return r;
      }
      case '/wait/messages': {
        const need = Number(g.count ?? 1);
        const r = await this.waitFor(() => { const l = this.messagesOf(g.chat_id, { by: 'bot' }).filter(x => !g.contains || x.text.includes(g.contains)); return l.length >= need ? l : null; }, Number(g.timeout_ms ?? 5000));
        if (!r) throw new ApiError(408, 'timed out'); return r;
      }
      case '/file': { const f = this.files.get(g.file_id); if (!f) throw new ApiError(404, 'no such file'); return { ...f, data: undefined, base64: f.data?.toString('base64') }; }
      case '/sockets/kill': { let n = 0; for (const s of this.sockets) { hardReset(s); n++; } return { killed: n }; }
      default: throw new ApiError(404, `no control path ${path}`);
    }
  }

  async start(port = 0, controlPort = 0) {
    const listen = (h, p, track) => new Promise((resolve, reject) => {
      const s = http.createServer((req, res) => { h.call(this, req, res).catch(e => { process.stderr.write(`lab error: ${e.stack}\n`); res.destroy(); }); });
      s.keepAliveTimeout = 75000;
      s.requestTimeout = 0;
      if (track) s.on('connection', c => { this.sockets.add(c); c.on('close', () => this.sockets.delete(c)); });
      s.on('error', reject);
      s.listen(p, HOST, () => resolve(s));
    });
    this.api = await listen(this.onApi, port, true);
    this.ctl = await listen(this.onControl, controlPort, false);
    this.apiUrl = `http://${HOST}:${this.api.address().port}`;
    this.controlUrl = `http://${HOST}:${this.ctl.address().port}`;
    return this;
  }
  async stop() {
    for (const b of this.bots.values()) { b.gone = true; clearTimeout(b.hookTimer); b.poll?.finish({ result: [] }); }
    this.api.closeAllConnections(); this.ctl.closeAllConnections();
    await Promise.all([new Promise(r => this.api.close(r)), new Promise(r => this.ctl.close(r))]);
  }
}

function errorResponse(e) {
  const headers = e.parameters?.retry_after ? { 'retry-after': String(e.parameters.retry_after) } : {};
  return { status: e.code, headers, body: { ok: false, error_code: e.code, description: e.message, ...(e.parameters ? { parameters: e.parameters } : {}) } };
}
function hardReset(socket) { if (socket.resetAndDestroy) socket.resetAndDestroy(); else socket.destroy(); }
function summary(r) {
  if (Array.isArray(r)) return r.map(x => (x?.update_id ? { update_id: x.update_id } : x?.message_id ? { message_id: x.message_id } : x)).slice(0, 100);
  if (r && typeof r === 'object' && r.message_id) return { message_id: r.message_id, chat_id: r.chat?.id };
  return r;
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const opt = {};
  for (let i = 2; i < process.argv.length; i += 2) opt[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
  const config = opt.config ? JSON.parse(fs.readFileSync(opt.config, 'utf8')) : {};
  if (opt.token) config.token = opt.token;
  const lab = await new TelegramLab(config).start(Number(opt.port ?? 8081), Number(opt['control-port'] ?? 8082));
  process.stdout.write(JSON.stringify({ api: lab.apiUrl, control: lab.controlUrl, token: lab.token }) + '\n');
  // The one that started it holds the other end: it does not outlive a test that crashed.
  if (opt['end-with-stdin'] === 'yes') process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
  for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => lab.stop().then(() => process.exit(0)));
}

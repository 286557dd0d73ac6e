// The history of a crash run and what may not be in it. Pure: history.test.mjs shows it histories that are wrong. The
// words used here (lost, run twice, duplicate, told) are defined in README.md.


const OUTBOX_STATES = ['queued', 'sending', 'sent', 'ambiguous', 'dead'];
// By the words that core answers with (core/channel/intake.cc).
const isCutNote = (text) => /I was restarted while working on/.test(text);

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

// Which message something shown in a chat, or waiting in the outbox, is about.
function attribution(messages) {
  const byPlace = new Map(messages.map((m) => [`${m.platform}/${m.chat}/${m.messageId}`, m.id]));
  const byId = new Map(messages.map((m) => [m.id, m]));
  return (platform, { chat, text, replyTo }) => {
    const named = Number(/^re:(\d+)\b/.exec(text ?? '')?.[1] ?? NaN);
    const asked = byId.get(named);
    // An answer in another chat than its question is nobody's.
    if (asked) return asked.platform === platform && asked.chat === chat ? named : undefined;
    return byPlace.get(`${platform}/${chat}/${replyTo}`);
  };
}

function checkSeen({ messages, seen, outbox, platforms }, faults) {
  const about = attribution(messages);
  const platformOf = new Map(messages.map((m) => [m.id, m.platform]));
  const sightings = Object.entries(seen).flatMap(([platform, shown]) =>
    shown.map((m) => ({ ...m, platform, about: about(platform, m) })));
  for (const m of sightings) {
    if (m.about === undefined) faults.push(`${m.platform} chat ${m.chat} shows what belongs to no message: ${JSON.stringify(m.text)}`);
  }
  const byMessage = grouped(sightings.filter((m) => m.about !== undefined), (m) => m.about);
  const flagged = new Set();
  const ambiguous = {};
  for (const row of outbox) {
    const [platform] = row.instance.split('/');
    if (row.ambiguous) ambiguous[platform] = (ambiguous[platform] ?? 0) + 1;
    if (row.ambiguous) flagged.add(about(platform, row));
    if (OUTBOX_STATES[row.state] !== 'sent') faults.push(`outbox row ${row.id} ended as ${OUTBOX_STATES[row.state]}: ${row.error}`);
  }
  let lost = 0;
  let told = 0;
  const duplicates = Object.fromEntries(platforms.map((p) => [p.name, 0]));
  for (const { id, chat } of messages) {
    const shown = byMessage.get(id) ?? [];
    const answers = shown.filter((m) => new RegExp(`^re:${id}\\b`).test(m.text) || isCutNote(m.text));
    if (answers.length === 0) {
      ++lost;
      faults.push(`message ${id} of chat ${chat} is lost; the chat shows for it: ${JSON.stringify(shown.map((m) => m.text))}`);
    }
    if (shown.some((m) => isCutNote(m.text))) ++told;
    if (shown.length < 2) continue;
    const platform = platforms.find((p) => p.name === platformOf.get(id));
    duplicates[platform.name] += shown.length - 1;
    if (platform.duplicates === 'never' || !flagged.has(id)) {
      faults.push(`message ${id} of chat ${chat} was answered ${shown.length} times, and no outbox row says so: ` +
        JSON.stringify(shown.map((m) => [m.messageId, m.text])));
    }
  }
  return { lost, told, duplicates, ambiguous, outOfOrder: countOutOfOrder(messages, sightings, faults) };
}

// In each chat the answers stand in the order of the messages.
function countOutOfOrder(messages, sightings, faults) {
  let count = 0;
  const position = new Map(messages.map((m, at) => [m.id, at])); // messages of one chat are written one after another
  for (const [place, shown] of grouped(sightings.filter((m) => m.about !== undefined), (m) => `${m.platform} chat ${m.chat}`)) {
    let latest = -1;
    for (const m of shown) {
      const at = position.get(m.about);
      if (at < latest) {
        ++count;
        faults.push(`${place}: ${JSON.stringify(m.text)} (${m.messageId}) stands behind the answer to a later message`);
      }
      latest = Math.max(latest, at);
    }
  }
  return count;
}

function checkRuns({ requests, tools, outbox, messages }, faults) {
  const about = attribution(messages);
  const ended = new Map();
  for (const row of outbox) {
    const id = about(row.instance.split('/')[0], row);
    if (id !== undefined) ended.set(id, row.createdMs);
  }
  const twice = new Set();
  const note = (id, why) => {
    twice.add(id);
    faults.push(`message ${id} was run twice: ${why}`);
  };
  for (const [id, ran] of grouped(tools, Number)) {
    if (ran.length > 1) note(id, `its tool ran ${ran.length} times`);
  }
  for (const [id, asked] of grouped(requests.filter((r) => r.id !== undefined), (r) => Number(r.id))) {
    if (asked.some((r) => r.copies > 1)) note(id, 'the conversation that the model got holds it more than once');
    for (const [life, openings] of grouped(asked.filter((r) => r.toolResults === 0), (r) => r.life)) {
      if (openings.length > 1) note(id, `the model was asked for its first answer ${openings.length} times in life ${life}`);
    }
    const end = ended.get(id);
    if (end !== undefined && asked.some((r) => r.at > end)) note(id, 'the model was asked after the reply had been stored');
  }
  return twice.size;
}

function checkInbox({ inbox, messages }, faults) {
  if (inbox.length !== messages.length) faults.push(`${messages.length} messages were written, the inbox has ${inbox.length}`);
  for (const row of inbox) {
    if (row.state !== 2) faults.push(`inbox row ${row.id} (${row.eventId}) did not end`);
  }
}

// history: {platforms: [{name, duplicates}], messages: [{id, platform, chat, messageId}] in the order they were written,
// seen: {platform: [{chat, messageId, text, replyTo}]}, requests: [{id, copies, toolResults, life, at}], tools: [id],
// inbox: [{id, state, eventId}], outbox: [{id, instance, state, ambiguous, chat, text, replyTo, createdMs, error}]}
export function check(history) {
  const faults = [];
  const { lost, told, duplicates, ambiguous, outOfOrder } = checkSeen(history, faults);
  const runTwice = checkRuns(history, faults);
  checkInbox(history, faults);
  return { lost, told, duplicates, ambiguous, outOfOrder, runTwice, faults };
}


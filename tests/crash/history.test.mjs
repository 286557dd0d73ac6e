// The checker is shown histories that are wrong: each fault must be found, and a right one must pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from './history.mjs';
import { facts, idOf, textOf } from './model.mjs';

// Two messages in one chat, both answered; the second one's tool ran.
function right() {
  const row = (id, text, replyTo) => ({ id, instance: 'telegram/', state: 2, ambiguous: false, chat: 0, text, replyTo, createdMs: 1000 * id + 500, error: '' });
  return {
    platforms: [{ name: 'telegram', duplicates: 'flagged' }, { name: 'discord', duplicates: 'never' }],
    messages: [{ id: 1, platform: 'telegram', chat: 0, messageId: '11' }, { id: 3, platform: 'telegram', chat: 0, messageId: '12' }],
    seen: { telegram: [{ chat: 0, messageId: 13, text: 're:1 and more', replyTo: '11' }, { chat: 0, messageId: 14, text: 're:3', replyTo: '12' }], discord: [] },
    requests: [{ id: '1', copies: 1, toolResults: 0, life: 1, at: 1000 }, { id: '3', copies: 1, toolResults: 0, life: 1, at: 2000 },
      { id: '3', copies: 1, toolResults: 1, life: 1, at: 2100 }],
    tools: [3],
    inbox: [{ id: 1, state: 2, eventId: 'a' }, { id: 2, state: 2, eventId: 'b' }],
    outbox: [row(1, 're:1 and more', '11'), row(2, 're:3', '12')],
  };
}

// What the checker says of a history that was right before `change`.
function after(change) {
  const history = right();
  change(history);
  return check(history);
}

const cut = '⚠️ I was restarted while working on this message, and part of the work may be done.';

test('a right history has no fault', () => {
  const verdict = check(right());
  assert.deepEqual(verdict.faults, []);
  assert.deepEqual(verdict.duplicates, { telegram: 0, discord: 0 });
});

test('a message without an answer is lost', () => {
  const verdict = after((h) => h.seen.telegram.pop());
  assert.equal(verdict.lost, 1);
  assert.match(verdict.faults[0], /message 3 of chat 0 is lost/);
});

test('an error in place of the answer does not count as one', () => {
  assert.equal(after((h) => (h.seen.telegram[1].text = '⚠️ The turn failed.')).lost, 1);
});

test('being told of the cut is an outcome, and is counted', () => {
  const verdict = after((h) => (h.seen.telegram[1].text = cut));
  assert.deepEqual([verdict.lost, verdict.told, verdict.faults], [0, 1, []]);
});

test('a copy needs a flag in the outbox', () => {
  const twice = (h) => h.seen.telegram.push({ ...h.seen.telegram[1], messageId: 15 });
  const silent = after(twice);
  assert.equal(silent.duplicates.telegram, 1);
  assert.match(silent.faults.join(), /answered 2 times/);
  const flagged = after((h) => { twice(h); h.outbox[1].ambiguous = true; });
  assert.deepEqual([flagged.duplicates.telegram, flagged.ambiguous.telegram, flagged.faults], [1, 1, []]);
});

test('where a platform knows copies itself, none may be seen', () => {
  const verdict = after((h) => {
    h.seen.telegram.push({ ...h.seen.telegram[1], messageId: 15 });
    for (const m of h.messages) m.platform = 'discord';
    for (const row of h.outbox) Object.assign(row, { instance: 'discord/', ambiguous: true });
    h.seen = { telegram: [], discord: h.seen.telegram };
  });
  assert.equal(verdict.duplicates.discord, 1);
  assert.match(verdict.faults.join(), /answered 2 times/);
});

test('answers stand in the order of the messages', () => {
  const verdict = after((h) => h.seen.telegram.reverse());
  assert.equal(verdict.outOfOrder, 1);
  assert.ok(verdict.faults.length > 0);
});

for (const [what, change] of Object.entries({
  'a tool that ran twice': (h) => h.tools.push(3),
  'a message that stands twice in the conversation': (h) => (h.requests[1].copies = 2),
  'two first questions in one life': (h) => h.requests.push({ ...h.requests[0] }),
  'a question after the reply was stored': (h) => h.requests.push({ ...h.requests[0], life: 2, at: 9000 }),
})) {
  test(`${what} is a second run`, () => {
    const verdict = after(change);
    assert.equal(verdict.runTwice, 1);
    assert.match(verdict.faults[0], /was run twice/);
  });
}

test('asking the model again in the next life is the same run', () => {
  const verdict = after((h) => h.requests.push({ ...h.requests[0], life: 2, at: 1200 }));
  assert.deepEqual([verdict.runTwice, verdict.faults], [0, []]);
});

test('what did not end, ended badly or belongs to nothing is a fault', () => {
  assert.match(after((h) => (h.inbox[1].state = 1)).faults.join(), /did not end/);
  assert.match(after((h) => h.inbox.pop()).faults.join(), /the inbox has 1/);
  assert.match(after((h) => (h.outbox[1].state = 4)).faults.join(), /ended as dead/);
  assert.match(after((h) => h.seen.telegram.push({ chat: 0, messageId: 16, text: 'hello' })).faults.join(), /belongs to no message/);
});

test('an answer in the wrong chat answers nobody', () => {
  const verdict = after((h) => (h.seen.telegram[1].chat = 4));
  assert.equal(verdict.lost, 1);
  assert.match(verdict.faults.join(), /chat 4 shows what belongs to no message: "re:3"/);
});

test('a request says whose it is', () => {
  const envelope = '[Mon 2026-11-23 06:34 UTC] ';
  assert.equal(idOf(envelope + textOf(7)), '7');
  const messages = [{ role: 'user', content: textOf(6) }, { role: 'assistant', content: 're:6' },
    { role: 'user', content: [{ type: 'text', text: envelope + textOf(9) }] }, { role: 'assistant', tool_calls: [] }, { role: 'tool', content: 'ok' }];
  assert.deepEqual(facts({ messages }), { id: '9', copies: 1, toolResults: 1 });
  assert.deepEqual(facts({ messages: [{ role: 'user', content: `Summarise: ${textOf(9)}` }] }), {});
});

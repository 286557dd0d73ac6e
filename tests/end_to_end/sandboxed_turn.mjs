// The turn that the sandbox tests play over every way in: the model asks for `exec` and `write` at once, looks at
// what came of it, and answers.
import assert from 'node:assert/strict';
import os from 'node:os';

const probe = [
  // Only a `write` that runs at the same time lets this end.
  'i=0; until [ -s note.txt ] || [ $i -ge 1200 ]; do i=$((i+1)); sleep 0.1; done',
  'echo "host=$(cat /proc/sys/kernel/hostname)"',
  'echo "links=$(ls /sys/class/net | tr "\\n" ,)"',
  'echo "devices=$(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d " " | tr "\\n" ,)"',
  'grep -E "^(NoNewPrivs|CapEff|CapBnd|CapPrm):" /proc/self/status | tr "\\t" " "',
  '(: > /intruder) 2>/dev/null && echo "root=writable" || echo "root=readonly"',
  'echo "note=$(cat note.txt)"',
].join('; ');

export const answer = 'The container wrote the note and read it.';

// `mark` keeps turns apart.
export function script(mark) {
  return [
    { match: mark, text: 'I will look.', toolCalls: [
      { id: `exec_${mark}`, name: 'exec', arguments: { command: probe, yieldMs: 120000 } },
      { id: `write_${mark}`, name: 'write', arguments: { path: 'note.txt', content: `note of ${mark}` } }] },
    { match: `note=note of ${mark}`, text: answer },
  ];
}

// What the model was told in the second request proves where the tools ran.
export function check(requests, mark) {
  const told = requests.find((r) => r.messages.some((m) => m.role === 'tool' && m.tool_call_id === `exec_${mark}`));
  assert.ok(told, `no results reached the model: ${JSON.stringify(requests.map((r) => r.messages.at(-1)))}`);
  const result = (id) => {
    const content = told.messages.find((m) => m.tool_call_id === id).content;
    return typeof content === 'string' ? content : content.map((c) => c.text).join('');
  };
  const output = result(`exec_${mark}`);
  const host = /^host=(.+)$/m.exec(output)?.[1];
  assert.ok(host && host !== os.hostname(), output);
  assert.match(output, /^links=lo,$/m);
  assert.match(output, /^devices=lo,$/m);
  assert.match(output, /^NoNewPrivs: 1$/m);
  for (const set of ['CapEff', 'CapPrm', 'CapBnd']) assert.match(output, new RegExp(`^${set}: 0000000000000000$`, 'm'));
  assert.match(output, /^root=readonly$/m);
  assert.match(output, new RegExp(`^note=note of ${mark}$`, 'm'));
  assert.match(output, /exit code 0/);
  assert.match(result(`write_${mark}`), /note\.txt/);
}

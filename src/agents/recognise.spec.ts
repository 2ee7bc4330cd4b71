import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TRANSCRIPTS } from './transcripts.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'test', 'fixtures');
const files = (pattern: string): string[] =>
  globSync(pattern, { cwd: fixtures }).map((path) => join(fixtures, path));

it.each([
  ['claude', files('claude/transcripts/*/*.jsonl')],
  ['codex', files('codex/**/*rollout*.jsonl')],
  ['gemini', files('gemini/*.session.jsonl')],
  ['copilot', files('copilot/*.events.jsonl')],
])("a file of %s is recognised as its own, and as no other agent's", (agent, paths) => {
  expect(paths.length).toBeGreaterThan(0);
  for (const path of paths) {
    const who = TRANSCRIPTS.filter((source) => source.recognise(path)).map((one) => one.agent);
    expect([path, who]).toEqual([path, [agent]]);
  }
});

it('a file of no agent is recognised by none', () => {
  for (const path of [join(fixtures, 'seed', 'v080'), import.meta.filename]) {
    expect(TRANSCRIPTS.filter((source) => source.recognise(path))).toEqual([]);
  }
});

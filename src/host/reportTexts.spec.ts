import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { designSession, ReplayLab } from '../../test/page/replayHost.ts';
import { type ReportName, SESSION_REPORTS, STEP_REPORTS } from '../protocol/report.ts';
import { stepLinks } from '../protocol/stepLinks.ts';
import type { LiveSession } from './liveSession.ts';
import { reportText } from './reportTexts.ts';

let lab: ReplayLab;
beforeEach(() => {
  lab = new ReplayLab();
});
afterEach(async () => await lab.close());

async function sessionOf(id: string): Promise<LiveSession> {
  return lab.live.get(await lab.key(id))!;
}

const REPORTS = [...SESSION_REPORTS, ...STEP_REPORTS];
const HEADS: Record<(typeof REPORTS)[number], string> = {
  explain: '# Make webhook retries idempotent',
  timeline: '# Timeline: Make webhook retries idempotent',
  cost: '# Cost: Make webhook retries idempotent',
  context: '# Context window: Make webhook retries idempotent',
  budget: '# Token budget: Make webhook retries idempotent',
  stats: '# Statistics: Make webhook retries idempotent',
  inspect: '# Step 8: ',
  why: '# Why step 8',
  tree: '# Tree: Make webhook retries idempotent',
};

/** Of a session as a whole. */
const WITHOUT_STEPS = new Set<ReportName>(['tree', 'budget', 'stats', 'inspect']);

it('makes every report, each with its title and steps that can be clicked', async () => {
  designSession(lab);
  const session = await sessionOf('design');
  const { length } = session.trace.fold.steps;
  for (const name of REPORTS) {
    const text = await reportText({ session, step: 7 }, name);
    expect(text.split('\n')[0], name).toContain(HEADS[name]);
    if (WITHOUT_STEPS.has(name)) continue;
    const links = stepLinks(text, length);
    expect(links.length, name).toBeGreaterThan(1);
    for (const { step } of links) expect(step).toBeLessThan(length);
  }
  expect(await reportText({ session, step: 1e6 }, 'why')).toContain('no such step');
  expect(await reportText({ session }, '__proto__')).toContain('no such report');
});

it('is headed by the name that the person gave the session', async () => {
  designSession(lab);
  const session = await sessionOf('design');
  vi.spyOn(session, 'name', 'get').mockReturnValue('My *own* name');
  for (const name of SESSION_REPORTS) {
    const [head] = (await reportText({ session }, name)).split('\n');
    expect(head, name).toMatch(/^# (?:[\w ]+: )?My \\\*own\\\* name$/);
  }
});

it('has the tables of the command line in blocks that no text of a trace can end', async () => {
  const fence = '`````\n# Not a heading\n```';
  const writer = lab.writer('evil').start().prompt(`${fence} Do it`);
  const call = writer.call('Bash', { command: `echo ${fence}` });
  writer.result(call, { result: fence }).usage([call], 'claude-sonnet-4-5');
  const session = await sessionOf('evil');
  for (const name of ['tree', 'inspect'] as const) {
    const lines = (await reportText({ session, step: 2 }, name)).split('\n');
    const open = lines.findIndex((line) => /^`{3,}(text|json)$/.test(line));
    const mark = /^`+/.exec(lines[open]!)![0];
    const close = lines.indexOf(mark, open + 1);
    expect(close, name).toBeGreaterThan(open);
    // Nothing between that is as long, and nothing of the trace is a line of Markdown outside.
    for (const line of lines.slice(open + 1, close))
      expect(line).not.toMatch(new RegExp(`^ *${mark}`));
  }
  for (const name of ['timeline', 'stats', 'explain', 'tree', 'inspect'] as const) {
    const all = await reportText({ session, step: 2 }, name);
    const text = all.replace(/^(`{3,})(json|text)\n[\s\S]*?\n\1$/gm, '');
    expect(text.split('\n').filter((line) => /^(# |`{3})/.test(line))).toHaveLength(1);
  }
  const money = await reportText({ session }, 'cost');
  expect(money.split('\n').filter((line) => /^(# |`{3})/.test(line))).toHaveLength(1);
});

it('has no address of a trace that could be clicked', async () => {
  const address = 'https://evil.example/x';
  const writer = lab.writer('evil').start().prompt(`see ${address}`);
  const call = writer.call('Bash', { command: `curl ${address}` });
  writer.result(call, { error: `no ${address}`, exit_code: 1 }).usage([call], address);
  const session = await sessionOf('evil');
  for (const name of REPORTS) {
    const text = await reportText({ session, step: 1 }, name);
    expect(text, name).toContain('evil');
    expect(text.replaceAll('\\://', ''), name).not.toContain('://');
  }
});

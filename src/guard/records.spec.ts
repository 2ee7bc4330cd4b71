import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseMask, maskChosen } from '../trace/choices.ts';
import {
  type Approval,
  answerApproval,
  askPerson,
  askPersonAside,
  listen,
  listening,
  pendingApprovals,
  startTimeOf,
  unlisten,
} from './approvals.ts';
import { readChoices, writeChoices } from './guardHome.ts';
import { sweepGuard } from './store.ts';
import { openTrip, readTrips, settleTrip, type Trip, tripId } from './trips.ts';
import { appendVerdict, readVerdicts } from './verdicts.ts';

let home: string;
let env: Record<string, string>;
const place = (...parts: string[]) => join(home, 'guard', ...parts);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'records-'));
  env = { AGENT_STRACE_HOME: home };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const cause = { session: 's-1', rule: 'budget', line: 'prevent' as const };
const trip = (more: Partial<Trip> = {}): Trip => ({
  version: 1,
  id: tripId({ ...cause, limit: 5 }),
  session: 's-1',
  agent: 'claude',
  traceDir: '/shop/.agent-traces',
  project: '/shop',
  rule: { name: 'budget', text: 'cost_usd > 5', scope: 'user' },
  action: 'pause',
  detail: 'cost $5.02 is over $5.00',
  value: 5.02,
  limit: 5,
  line: 'prevent',
  at: 1000,
  state: 'open',
  ...more,
});

describe('a trip', () => {
  it('is one for one limit, whichever call ran into it, and another for a raised one', () => {
    const five = tripId({ ...cause, limit: 5, call: 'a' });
    expect(tripId({ ...cause, limit: 5, call: 'b' })).toBe(five);
    expect(tripId({ ...cause, limit: 10 })).not.toBe(five);
    expect(tripId({ ...cause, call: 'a' })).not.toBe(tripId({ ...cause, call: 'b' }));
  });

  it('is new once, and again when it was let go on and trips again', () => {
    expect(openTrip(trip(), env)).toBe('new');
    expect(openTrip(trip({ at: 2000 }), env)).toBe('known');
    expect(settleTrip(trip().id, 'resumed', {}, env)).toBeUndefined();
    expect(openTrip(trip({ at: 3000 }), env)).toBe('new');
    expect(readTrips(env)).toEqual([trip({ at: 3000 })]);
    settleTrip(trip().id, 'dismissed', {}, env);
    expect(openTrip(trip({ at: 4000 }), env)).toBe('known');
  });

  it('is read as what it is, whatever its file holds', () => {
    mkdirSync(place('trips'), { recursive: true, mode: 0o700 });
    const id = (n: number) => n.toString(16).padStart(12, '0');
    const files: unknown[] = [
      trip({ id: id(0), detail: `a\u001b[31m\u202e${'x'.repeat(9000)}` }),
      { ...trip({ id: id(1) }), session: '../../etc' },
      { ...trip({ id: id(2) }), action: 'rm' },
      { ...trip({ id: id(3) }), traceDir: 'relative' },
      { ...trip({ id: id(9) }), state: 'open' },
      null,
      [],
    ];
    files.forEach((file, at) => {
      writeFileSync(place('trips', `${id(at)}.json`), JSON.stringify(file));
    });
    writeFileSync(join(home, 'elsewhere'), JSON.stringify(trip({ id: id(20) })));
    symlinkSync(join(home, 'elsewhere'), place('trips', `${id(20)}.json`));
    const read = readTrips(env);
    expect(read.map(({ id }) => id)).toEqual([id(0)]);
    expect(read[0]!.detail).toMatch(/^a \[31m x{1,500}…$/);
  });
});

describe('verdicts', () => {
  it('are read on from where the last look ended, and half a line is left', () => {
    const verdict = { at: 1, call: 't1', tool: 'Bash', said: 'deny' as const };
    appendVerdict('s-1', verdict, env);
    const first = readVerdicts('s-1', env);
    expect(first.verdicts).toEqual([verdict]);
    writeFileSync(place('verdicts/s-1.ndjson'), '{"at":2,"call":"t2"', { flag: 'a' });
    expect(readVerdicts('s-1', env, first.offset)).toEqual({ verdicts: [], offset: first.offset });
    writeFileSync(place('verdicts/s-1.ndjson'), ',"tool":"Read","said":"allow"}\nnot json\n', {
      flag: 'a',
    });
    expect(readVerdicts('s-1', env, first.offset).verdicts).toMatchObject([{ call: 't2' }]);
  });

  it('are of sessions only, and no link is followed', () => {
    const verdict = { at: 1, call: 't1', tool: 'Bash', said: 'deny' as const };
    expect(() => appendVerdict('../s', verdict, env)).toThrow('EBADID');
    mkdirSync(place('verdicts'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'elsewhere'), '');
    symlinkSync(join(home, 'elsewhere'), place('verdicts/s-2.ndjson'));
    expect(() => appendVerdict('s-2', verdict, env)).toThrow();
    expect(readVerdicts('s-2', env).verdicts).toEqual([]);
  });
});

describe('a question', () => {
  const approval = (more: Partial<Approval> = {}): Approval => ({
    version: 1,
    id: '0123456789ab',
    session: 's-1',
    agent: 'claude',
    traceDir: '/shop/.agent-traces',
    project: '/shop',
    rule: { name: 'r', text: 't' },
    detail: 'd',
    call: { tool: 'Bash', target: 'ls', id: 'c' },
    at: Date.now() / 1000,
    until: Date.now() / 1000 + 60,
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    ...more,
  });

  it('is put to nobody where nobody listens, and ends when its time is over', () => {
    expect(askPerson(approval(), 1000, env)).toBe('nobody');
    expect(listen(env)).toBeUndefined();
    expect(listening(env)).toBe(true);
    expect(askPerson(approval(), 100, env)).toBe('timeout');
    unlisten(env);
    expect(listening(env)).toBe(false);
  });

  it('has one answer: the first', async () => {
    listen(env);
    const answer = askPersonAside(approval(), 10_000, env);
    expect(pendingApprovals(env)).toEqual([
      approval({ at: expect.any(Number), until: expect.any(Number) }),
    ]);
    expect(answerApproval(approval().id, 'deny', env)).toBe('done');
    expect(answerApproval(approval().id, 'allow', env)).toBe('late');
    expect(await answer).toBe('deny');
    expect(answerApproval(approval().id, 'allow', env)).toBe('late');
  });

  it('is nobody’s whose hook is gone, or which is over', () => {
    mkdirSync(place('asked'), { recursive: true, mode: 0o700 });
    const keep = (of: Approval) =>
      writeFileSync(place('asked', `${of.id}.json`), JSON.stringify(of));
    keep(approval({ id: '000000000001', startTime: '1' }));
    keep(approval({ id: '000000000002', until: 1000 }));
    keep(approval({ id: '000000000003' }));
    expect(pendingApprovals(env).map(({ id }) => id)).toEqual(['000000000003']);
    expect(answerApproval('000000000001', 'allow', env)).toBe('late');
    expect(answerApproval('../../config', 'allow', env)).toEqual({ problem: 'EBADID' });
  });
});

it('what is older than thirty days is swept', () => {
  openTrip(trip(), env);
  openTrip(trip({ id: '0123456789ab' }), env);
  const old = Date.now() / 1000 - 31 * 86_400;
  utimesSync(place('trips', '0123456789ab.json'), old, old);
  sweepGuard(env);
  expect(readTrips(env).map(({ id }) => id)).toEqual([trip().id]);
});

describe('what a person chose', () => {
  const open = { safe: false, fail: 'open' };
  const strict = { safe: true, fail: 'closed' };
  it.each<[string, string, object]>([
    ['nothing', '{}', open],
    ['one thing', '{"guard":{"safe":true}}', { safe: true, fail: 'open' }],
    ['off', '{"guard":{"safe":false,"fail":"open"}}', open],
    // What a hand has written that cannot be meant is not taken for "off".
    ['a word for true', '{"guard":{"safe":"yes"}}', { safe: true, fail: 'open' }],
    ['a word for closed', '{"guard":{"fail":"deny"}}', { safe: false, fail: 'closed' }],
    ['a list', '{"guard":[]}', strict],
    ['torn', '{"guard":{"safe":fal', strict],
    ['too long', `{"guard":{},"x":"${'x'.repeat(70_000)}"}`, strict],
  ])('is read on the safe side: %s', (_what, text, chosen) => {
    writeFileSync(join(home, 'config.json'), text);
    expect(readChoices(env)).toMatchObject(chosen);
  });

  it('is not taken back where one choice is made anew over a file that cannot be read', () => {
    const torn = '{"guard":{"safe":true},"mask":true,}';
    writeFileSync(join(home, 'config.json'), torn);
    chooseMask(false, env);
    expect(maskChosen(env)).toBe(false);
    expect(readChoices(env)).toMatchObject(strict);
    writeFileSync(join(home, 'config.json'), torn);
    writeChoices({ fail: 'open' }, env);
    expect(readChoices(env)).toMatchObject({ safe: true, fail: 'open' });
    expect(maskChosen(env)).toBe(true);
  });
});

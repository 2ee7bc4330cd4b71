import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import type { AgentId, HookRecorder } from '../agents/agent.ts';
import { claudeRecorder } from '../agents/claude/recorder.ts';
import { PluginMapper } from '../agents/opencode/hook.ts';
import { type SessionRecord, writeSessionRecord } from '../agents/process.ts';
import { transcriptSourceOf } from '../agents/transcripts.ts';
import { recorders } from '../hook/agents.ts';
import type { AfterTool } from '../hook/guardMoment.ts';
import { ranAllTheSame } from '../hook/guardVerify.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { eventId, ids } from '../model/ids.ts';
import { DeniedRuns } from './deniedRuns.ts';
import { GuardMonitor } from './monitor.ts';
import { readTrips } from './trips.ts';
import { appendVerdict } from './verdicts.ts';

afterEach(() => vi.unstubAllEnvs());

const KEY = 'aaaaaaaaaaaa';
const RAN: JsonObject = { result: 'Output: (empty)\nExit Code: 0', exit_code: 0 };
const QUOTED: JsonObject = { result: 'Denied by agent-strace, rule “no-touch”: …' };
const REFUSED: JsonObject = { error: 'Tool execution blocked: Denied by agent-strace, …' };

/**
 * What happens, in order. `call n`: a hook before call n. `deny n`, `allow n`: what it was told. `end n`: the hook after it;
 * `row n`, `said n`: the transcript's words on the call and its end. Calls without an id are told by their order alone: there
 * the number of an end says only whose it is in truth.
 */
type Step = [
  what: 'call' | 'deny' | 'allow' | 'end' | 'row' | 'said',
  n: number,
  data?: JsonObject,
];

interface Case {
  name: string;
  agent: AgentId;
  keyed: boolean;
  steps: Step[];
  /** Calls that are found to have run although they were denied. */
  ran: number[];
  /** … by hooks, where that is not the same: they do not see what only the transcript tells. */
  byHook?: number[];
}

const keyed = (name: string, steps: Step[], ran: number[], more: Partial<Case> = {}): Case => ({
  ...{ name, agent: 'gemini', keyed: true, steps, ran },
  ...more,
});
const named = (name: string, steps: Step[], ran: number[], more: Partial<Case> = {}): Case => ({
  ...{ name, agent: 'claude', keyed: false, steps, ran },
  ...more,
});

const CASES: Case[] = [
  named(
    'ignored',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
    ],
    [1],
  ),
  named(
    'ignored, and its result quotes the denial',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, QUOTED],
    ],
    [1],
  ),
  named(
    'ignored, and failed',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, { error: 'ENOSPC' }],
    ],
    [1],
  ),
  named(
    'obeyed',
    [
      ['call', 1],
      ['deny', 1],
    ],
    [],
  ),
  named(
    'obeyed, and another one ran',
    [
      ['call', 1],
      ['deny', 1],
      ['call', 2],
      ['end', 2, RAN],
    ],
    [],
  ),
  named(
    'told as an error by the transcript',
    [
      ['call', 1],
      ['deny', 1],
      ['said', 1, REFUSED],
    ],
    [],
  ),
  named(
    'told as an error in other words',
    [
      ['call', 1],
      ['deny', 1],
      ['said', 1, { error: 'no' }],
    ],
    [],
  ),
  named(
    'told as run by the transcript alone',
    [
      ['call', 1],
      ['deny', 1],
      ['said', 1, RAN],
    ],
    [1],
    {
      byHook: [],
    },
  ),
  named(
    'told twice',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
      ['said', 1, RAN],
    ],
    [1],
  ),
  named(
    'tried again under another id and allowed',
    [
      ['call', 1],
      ['deny', 1],
      ['call', 2],
      ['allow', 2],
      ['end', 2, RAN],
    ],
    [],
  ),
  named(
    'asked again and allowed',
    [
      ['call', 1],
      ['deny', 1],
      ['allow', 1],
      ['end', 1, RAN],
    ],
    [],
  ),
  named(
    'asked again where nothing was recorded, and allowed',
    [
      ['call', 1],
      ['deny', 1],
      ['allow', 1, { unseen: true }],
      ['end', 1, RAN],
    ],
    [],
  ),
  named(
    'allowed and then denied',
    [
      ['call', 1],
      ['allow', 1],
      ['deny', 1],
      ['end', 1, RAN],
    ],
    [1],
  ),
  named(
    'interrupted',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, { error: 'x', is_interrupt: true }],
    ],
    [],
  ),
  named(
    'refused in an unknown version’s words',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, { error: 'Permission to use Bash has been denied.' }],
    ],
    [],
  ),
  ...(['vscode', 'cursor'] as const).flatMap((agent) => [
    named(
      `quoted by ${agent}`,
      [
        ['call', 1],
        ['deny', 1],
        ['end', 1, QUOTED],
      ],
      [],
      { agent },
    ),
    named(
      `ignored by ${agent}`,
      [
        ['call', 1],
        ['deny', 1],
        ['end', 1, RAN],
      ],
      [1],
      { agent },
    ),
    keyed(
      `quoted by ${agent}`,
      [
        ['call', 1],
        ['deny', 1],
        ['end', 1, QUOTED],
      ],
      [],
      { agent },
    ),
    keyed(
      `ignored by ${agent}`,
      [
        ['call', 1],
        ['deny', 1],
        ['end', 1, RAN],
      ],
      [1],
      { agent },
    ),
  ]),

  keyed(
    'ignored',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
    ],
    [1],
  ),
  keyed(
    'ignored, and its result quotes the denial',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, QUOTED],
    ],
    [1],
  ),
  keyed(
    'obeyed',
    [
      ['call', 1],
      ['deny', 1],
    ],
    [],
  ),
  keyed(
    'obeyed after one that ran',
    [
      ['call', 1],
      ['end', 1, RAN],
      ['call', 2],
      ['deny', 2],
    ],
    [],
  ),
  keyed(
    'in parallel with one that runs, obeyed',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 2],
      ['end', 1, RAN],
    ],
    [],
  ),
  keyed(
    'in parallel, the first denied, obeyed',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 1],
      ['end', 2, RAN],
    ],
    [],
  ),
  keyed(
    'in parallel, decided late',
    [
      ['call', 1],
      ['call', 2],
      ['end', 1, RAN],
      ['deny', 2],
    ],
    [],
  ),
  keyed(
    'in parallel, ignored: found at the last end',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 2],
      ['end', 2, RAN],
      ['end', 1, RAN],
    ],
    [2],
  ),
  keyed(
    'between two that run, obeyed',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 2],
      ['call', 3],
      ['allow', 3],
      ['end', 3, RAN],
      ['end', 1, RAN],
    ],
    [],
  ),
  keyed(
    'between two that run, ignored',
    [
      ['call', 1],
      ['end', 1, RAN],
      ['call', 2],
      ['deny', 2],
      ['end', 2, RAN],
      ['call', 3],
      ['allow', 3],
      ['end', 3, RAN],
    ],
    [2],
  ),
  keyed(
    'tried again and allowed',
    [
      ['call', 1],
      ['deny', 1],
      ['call', 2],
      ['allow', 2],
      ['end', 2, RAN],
    ],
    [],
  ),
  keyed(
    'three times in parallel, two denied and obeyed',
    [
      ['call', 1],
      ['call', 2],
      ['call', 3],
      ['deny', 3],
      ['deny', 1],
      ['end', 2, RAN],
    ],
    [],
  ),
  keyed(
    'three times, two denied, both ignored',
    [
      ['call', 1],
      ['end', 1, RAN],
      ['call', 2],
      ['deny', 2],
      ['end', 2, RAN],
      ['call', 3],
      ['deny', 3],
      ['end', 3, RAN],
    ],
    [2, 3],
  ),
  keyed(
    'asked and allowed by a person',
    [
      ['call', 1],
      ['allow', 1],
      ['end', 1, RAN],
    ],
    [],
  ),
  keyed(
    'asked again and allowed',
    [
      ['call', 1],
      ['deny', 1],
      ['allow', 1],
      ['end', 1, RAN],
    ],
    [],
  ),
  keyed(
    'after one that failed',
    [
      ['call', 1],
      ['end', 1, { error: 'ENOSPC' }],
      ['call', 2],
      ['deny', 2],
    ],
    [],
  ),
  keyed(
    'told as an error by the transcript',
    [
      ['call', 1],
      ['deny', 1],
      ['row', 1],
      ['said', 1, REFUSED],
    ],
    [],
  ),
  keyed(
    'of two, the other told as run by the transcript',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 2],
      ['row', 1],
      ['said', 1, RAN],
      ['row', 2],
      ['said', 2, REFUSED],
      ['end', 1, RAN],
    ],
    [],
  ),
  keyed(
    'of two, the other told first by the transcript',
    [
      ['call', 1],
      ['call', 2],
      ['deny', 1],
      ['row', 1],
      ['row', 2],
      ['said', 2, RAN],
      ['said', 1, REFUSED],
    ],
    [],
  ),
  keyed(
    'told as run by the transcript alone',
    [
      ['call', 1],
      ['deny', 1],
      ['row', 1],
      ['said', 1, RAN],
    ],
    [1],
    { byHook: [] },
  ),
  keyed(
    'obeyed, and one ran that no hook told of',
    [
      ['call', 1],
      ['deny', 1],
      ['row', 2],
      ['row', 1],
      ['said', 1, REFUSED],
      ['said', 2, RAN],
    ],
    [],
  ),
  keyed(
    'after one that ran before hooks were there',
    [
      ['row', 1],
      ['said', 1, RAN],
      ['call', 2],
      ['deny', 2],
    ],
    [],
  ),
  keyed(
    'ignored, and told by both',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
      ['row', 1],
      ['said', 1, RAN],
    ],
    [1],
  ),
  keyed(
    'ignored, told late by the transcript, and another obeyed',
    [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
      ['call', 2],
      ['deny', 2],
      ['row', 1],
      ['said', 1, RAN],
      ['row', 2],
      ['said', 2, REFUSED],
    ],
    [1],
  ),
];

/** A session as a hook and a monitor find it; its agent has no process that could be frozen. */
class Lab {
  readonly root = mkdtempSync(join(tmpdir(), 'agent-strace-denied-'));
  readonly traceDir = join(this.root, '.agent-traces');
  readonly env = { AGENT_STRACE_HOME: join(this.root, 'home') };
  readonly record: SessionRecord;
  readonly trace: TraceWriter;
  readonly agent: AgentId;
  readonly keyed: boolean;

  constructor({ agent, keyed }: Pick<Case, 'agent' | 'keyed'>) {
    this.agent = agent;
    this.keyed = keyed;
    mkdirSync(this.traceDir);
    this.trace = new TraceWriter(this.traceDir, 'one').start();
    this.record = {
      version: 1,
      session_id: 'one',
      agent,
      trace_dir: this.traceDir,
      project: this.root,
      first_seen: 1,
    };
    writeSessionRecord(this.record, this.env);
    vi.stubEnv('AGENT_STRACE_HOME', this.env.AGENT_STRACE_HOME);
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  callEvent(n: number): string {
    return this.keyed ? eventId('one', 'test', `${n}`) : ids.call('one', `id-${n}`);
  }

  numberOf(event: string): number {
    return [1, 2, 3, 4].find((n) => this.callEvent(n) === event) ?? -1;
  }

  /** @returns the event of an end */
  step([what, n, data = {}]: Step): TraceEvent | undefined {
    const { trace } = this;
    const byHook = what === 'call' || what === 'end';
    const isCall = what === 'call' || what === 'row';
    if (what === 'deny' || what === 'allow') {
      this.say(n, what, data.unseen === true);
      return undefined;
    }
    const named = !this.keyed || !byHook;
    const common = {
      provider: this.agent,
      recorded_by: byHook ? 'hook' : 'transcript',
      tool_name: 'Bash',
      ...(this.keyed && { call_key: KEY }),
      ...(named && { tool_use_id: `id-${n}` }),
    };
    const failed = data.error !== undefined;
    const event = trace.event(
      isCall ? 'tool_call' : failed ? 'error' : 'tool_result',
      { ...common, ...data, ...(failed && { is_error: true }) },
      {
        ...(what === 'call' && { event_id: this.callEvent(n) }),
        ...(!isCall && named && { event_id: ids.result('one', `id-${n}`) }),
        ...(!isCall && named && { parent_id: ids.call('one', `id-${n}`) }),
      },
    );
    trace.write(event);
    return what === 'end' ? event : undefined;
  }

  /** As the hook writes it: the word first, then the end of the call. */
  private say(n: number, said: 'deny' | 'allow', unseen: boolean): void {
    const event = this.callEvent(n);
    const call = this.keyed ? KEY : `id-${n}`;
    const at = this.trace.nowMs / 1000;
    const of = { at, call, ...(!unseen && { event }), tool: 'Bash', rule: 'no-touch' };
    appendVerdict('one', { ...of, said, target: 'touch x' }, this.env);
    if (said === 'allow') return;
    const closing = {
      provider: this.agent,
      event_subtype: 'denied',
      error: 'Denied by agent-strace, …',
      denied_by: 'guard',
      closed_by: 'guard',
      ...(this.keyed ? { call_key: KEY } : { tool_use_id: call }),
    };
    this.trace.write(this.trace.event('error', closing, { parent_id: event }));
  }

  /** What the hook after a tool finds. */
  byHook(result: TraceEvent): string[] {
    const tool = { name: 'Bash', callId: this.keyed ? KEY : `${result.data.tool_use_id}` };
    const at = { agent: this.agent, known: this.record, tool, result };
    const ran = ranAllTheSame(at as unknown as AfterTool);
    return ran === undefined ? [] : [ran.event];
  }

  monitor(): GuardMonitor {
    const monitor = new GuardMonitor({
      session: 'one',
      traceDir: this.traceDir,
      rules: () => ({ rules: [], problems: [], stale: [] }),
      where: 'trusted',
      env: this.env,
      always: true,
    });
    onTestFinished(() => monitor.close());
    return monitor;
  }

  alarms(): number[] {
    return readTrips(this.env)
      .filter(({ line }) => line === 'verify')
      .map(({ call }) => this.numberOf(call?.id ?? ''))
      .sort();
  }
}

const titleOf = ({ name, keyed }: Case): string =>
  `${keyed ? 'without an id' : 'with an id'}: ${name}`;

describe('a denied call', () => {
  it.each(CASES.map((each) => [titleOf(each), each] as const))('%s', async (_title, each) => {
    const lab = new Lab(each);
    const live = lab.monitor();
    const hooks: string[] = [];
    for (const step of each.steps) {
      const end = lab.step(step);
      if (end !== undefined) hooks.push(...lab.byHook(end));
      await live.tick();
    }
    expect(
      hooks.map((event) => lab.numberOf(event)),
      'hooks',
    ).toEqual(each.byHook ?? each.ran);
    expect(lab.alarms(), 'a monitor that follows').toEqual(each.ran);
    // One that begins later, and reads all of it again, tells nothing new.
    expect(await lab.monitor().tick()).toEqual([]);
    expect(lab.alarms()).toEqual(each.ran);
  });

  it.each(CASES.map((each) => [titleOf(each), each] as const))(
    'read afterwards: %s',
    async (_title, each) => {
      const lab = new Lab(each);
      for (const step of each.steps) lab.step(step);
      await lab.monitor().tick();
      expect(lab.alarms()).toEqual(each.ran);
    },
  );

  it('in a trace whose beginning a hook does not see is left to the monitor', () => {
    const runs = new DeniedRuns('one', { partial: true });
    const lab = new Lab({ agent: 'gemini', keyed: true });
    runs.verdict({ at: 1, call: KEY, event: lab.callEvent(1), tool: 'Bash', said: 'deny' });
    for (const step of [
      ['call', 1],
      ['end', 1, RAN],
    ] as Step[]) {
      const event = lab.step(step);
      if (event !== undefined) runs.event(event);
    }
    expect(runs.take()).toEqual([]);
  });

  it('stays one alarm when a person has let the agent go on', async () => {
    const lab = new Lab({ agent: 'claude', keyed: false });
    for (const step of [
      ['call', 1],
      ['deny', 1],
      ['end', 1, RAN],
    ] as Step[])
      lab.step(step);
    expect(await lab.monitor().tick()).toHaveLength(1);
    const before = readTrips(lab.env);
    expect(await lab.monitor().tick()).toEqual([]);
    expect(readTrips(lab.env)).toEqual(before);
  });
});

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/denied');

interface Recorded {
  hooks: { event: string; payload: JsonObject; answered: boolean }[];
  rows: { file: string; row: JsonObject }[];
}

/** What our hooks would have written of a recorded session of a real agent, and what it was told. */
function told(agent: AgentId) {
  const { hooks, rows } = JSON.parse(
    readFileSync(join(FIXTURES, `${agent}.json`), 'utf8'),
  ) as Recorded;
  const events: { event: TraceEvent; session: string }[] = [];
  const denied: { call: TraceEvent; callId: string; session: string }[] = [];
  const seen = new Set<string>();
  const take = (session: string, given: TraceEvent[]): void => {
    for (const event of given) {
      seen.add(event.event_id);
      events.push({ event, session });
    }
  };
  const deny = (session: string, given: TraceEvent[], callId = ''): void => {
    const call = given.find(({ event_type: type }) => type === 'tool_call');
    expect(call).toBeDefined();
    denied.push({ call: call!, callId, session });
  };
  const plugin = new PluginMapper('/home/dev/shop');
  const recorder: HookRecorder = agent === 'claude' ? claudeRecorder : recorders[agent]!;
  for (const { event, payload, answered } of hooks) {
    if (agent === 'opencode') {
      const { sessionID = '', messageID } = ((payload.properties as JsonObject | undefined)?.part ??
        {}) as JsonObject;
      if (typeof messageID === 'string') {
        // The fixture has the tools' events only.
        const info = { id: messageID, sessionID, role: 'assistant', time: { created: 1 } };
        plugin.push('event', { type: 'message.updated', properties: { info } }, {}, Date.now());
      }
      const name = { before: 'tool.execute.before', after: 'tool.execute.after' }[event] ?? event;
      for (const each of plugin.push(name, payload, payload, Date.now())) {
        take(each.sessionId, each.events);
        if (answered && each.moment === 'before_tool')
          deny(each.sessionId, each.events, each.tool?.callId);
      }
      continue;
    }
    const session = recorder.sessionOf(payload, {});
    const given = recorder.map(payload, {
      sessionId: session,
      event,
      timestamp: 1_795_668_000,
      recorded: (id) => (seen.has(id) ? 'yes' : 'no'),
    });
    take(session, given);
    if (answered) deny(session, given, recorder.toolOf(payload)?.callId);
  }
  for (const file of new Set(rows.map((row) => row.file))) {
    const mapper = transcriptSourceOf(agent)!.mapper({
      sessionId: events[0]!.session,
      file: { path: `/${file}`, agentId: '' },
      live: true,
    });
    for (const { row } of rows.filter((each) => each.file === file)) {
      take(events[0]!.session, mapper.push(row));
    }
  }
  return { events, denied };
}

describe('real agents that were told no', () => {
  it.each(['claude', 'codex', 'gemini', 'copilot', 'opencode'] as const)('%s', (agent) => {
    const { events, denied } = told(agent);
    expect(denied.length).toBeGreaterThanOrEqual(4);
    const all = new Map<string, DeniedRuns>();
    const runsOf = (session: string): DeniedRuns => {
      let runs = all.get(session);
      if (runs === undefined) {
        runs = new DeniedRuns(session);
        all.set(session, runs);
      }
      return runs;
    };
    for (const { call, callId, session } of denied) {
      runsOf(session).verdict({
        at: 1,
        call: callId,
        event: call.event_id,
        tool: `${call.data.tool_name}`,
        said: 'deny',
      });
    }
    for (const { event, session } of events) runsOf(session).event(event);
    expect([...all.values()].flatMap((runs) => runs.take())).toEqual([]);
    // The same calls, had they run: each is found.
    for (const { call, session } of denied) {
      const { tool_use_id, call_key, provider, tool_name } = call.data;
      runsOf(session).event({
        event_type: 'tool_result',
        timestamp: 1_795_668_001,
        event_id: `end of ${call.event_id}`,
        session_id: session,
        ...(tool_use_id !== undefined && { parent_id: call.event_id }),
        data: {
          ...{ provider: provider!, tool_name: tool_name!, recorded_by: 'hook', result: '' },
          ...(tool_use_id !== undefined && { tool_use_id }),
          ...(call_key !== undefined && { call_key }),
        },
      });
    }
    const found = [...all.values()].flatMap((runs) => runs.take());
    expect(found.map(({ event }) => event).sort()).toEqual(
      denied.map(({ call }) => call.event_id).sort(),
    );
  });
});

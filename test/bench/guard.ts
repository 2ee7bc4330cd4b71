// What a decision costs: one side of the guard benchmark, in a process of its own, so that nothing is warm. `prepare` writes the
// trace and folds it; `record` records one call; `file` and `shell` record one and decide on it by 200 rules.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { claudeRecorder } from '../../src/agents/claude/recorder.ts';
import { guardedCall } from '../../src/guard/decision/callOf.ts';
import { decide } from '../../src/guard/decision/decide.ts';
import { catchUp, readFacts } from '../../src/guard/decision/sessionFacts.ts';
import { shellWorld } from '../../src/guard/decision/shellWorld.ts';
import { writePriceTable } from '../../src/guard/decision/writePriceTable.ts';
import type { Condition, Rule } from '../../src/guard/rules/rule.ts';
import { readCommand } from '../../src/guard/shell/readCommand.ts';
import { readyEvent } from '../../src/redact/event.ts';
import { appendEvents } from '../../src/trace/append.ts';
import { writeTrace } from './generate.ts';

const [mode = '', folder = '', count = '0', run = '0'] = process.argv.slice(2);
const session = 'bench-session';
const traceDir = join(folder, 'traces');
const env = { AGENT_STRACE_HOME: join(folder, 'state'), HOME: join(folder, 'home') };

const glob = (text: string) => [{ glob: text }];
const conditions: ((i: number) => Condition)[] = [
  (i) => ({ kind: 'path', access: 'write', patterns: glob(`config/**/secret-${i}.{env,json}`) }),
  (i) => ({ kind: 'path', access: 'read', patterns: glob(`~/.keys/${i}/**`) }),
  (i) => ({ kind: 'command', patterns: glob(`tool-${i} --force *`) }),
  (i) => ({ kind: 'host', patterns: glob(`*.host-${i}.example`) }),
  (i) => ({ kind: 'metric', metric: 'cost_usd', op: '>', value: 1e6 + i }),
  (i) => ({ kind: 'loop', calls: 50 + i, window: 100 }),
  (i) => ({ kind: 'not', of: { kind: 'metric', metric: 'tokens', op: '>=', value: -i } }),
  () => ({ kind: 'outside', access: 'delete' }),
];
const rules: Rule[] = Array.from({ length: 200 }, (_, i) => ({
  name: `rule-${i}`,
  when: conditions[i % conditions.length]!(i),
  action: 'deny',
  scope: 'user',
  text: '',
  root: folder,
}));

const CALLS: Record<string, { tool_name: string; tool_input: Record<string, string> }> = {
  file: {
    tool_name: 'Edit',
    tool_input: { file_path: 'src/a.ts', old_string: 'a', new_string: 'b' },
  },
  shell: {
    tool_name: 'Bash',
    tool_input: {
      command: 'cd src && FOO=1 npx vitest run --project=unit a.spec.ts 2>&1 | tail -40',
    },
  },
};

if (mode === 'prepare') {
  mkdirSync(join(traceDir, session), { recursive: true, mode: 0o700 });
  writeTrace(join(traceDir, session, 'events.ndjson'), Number(count));
  await writePriceTable(env);
  const from = performance.now();
  const { facts } = catchUp({ session, traceDir, env });
  const ms = performance.now() - from;
  const bytes = JSON.stringify(facts.save()).length;
  console.log(JSON.stringify({ ms, bytes, calls: facts.metric('tool_calls', Date.now()) }));
} else {
  const payload = {
    ...CALLS[mode === 'record' ? 'shell' : mode],
    hook_event_name: 'PreToolUse',
    session_id: session,
    tool_use_id: `toolu_${mode}_${run}`,
    cwd: folder,
  };
  const from = performance.now();
  const cpu = process.cpuUsage();
  const events = claudeRecorder
    .map(payload, {
      sessionId: session,
      event: 'PreToolUse',
      timestamp: Date.now() / 1000,
      recorded: () => 'no',
    })
    .map((event) => readyEvent(event));
  appendEvents(traceDir, session, events);
  const recorded = performance.now() - from;
  let action = '';
  let phases = {};
  if (mode !== 'record') {
    const from0 = performance.now();
    const { facts } = readFacts({ session, traceDir, env });
    const withFacts = performance.now();
    facts.deciding(events.find(({ event_type: type }) => type === 'tool_call'));
    const tool = claudeRecorder.toolOf(payload)!;
    const call = guardedCall(tool, 'claude', { ...shellWorld({ cwd: folder, env }), readCommand });
    const withCall = performance.now();
    action = decide({
      rules: { rules, problems: [], stale: [] },
      call,
      facts,
      nowMs: Date.now(),
      where: 'hook',
      home: env.HOME,
      project: folder,
    }).action;
    phases = {
      facts: withFacts - from0,
      call: withCall - withFacts,
      decide: performance.now() - withCall,
    };
  }
  const { user, system } = process.cpuUsage(cpu);
  const cpuMs = (user + system) / 1000;
  console.log(JSON.stringify({ ms: performance.now() - from, recorded, cpuMs, action, phases }));
}

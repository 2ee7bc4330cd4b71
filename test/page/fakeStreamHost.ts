/** The extension's side of the event stream page, without an agent: invented sessions that add up. */
import type { StepIcon, StepView } from '../../src/model/step.ts';
import { ROW_FLAGS, ROW_KINDS, type RowColumns, type RowKind } from '../../src/protocol/rows.ts';
import type {
  FromStreamPage,
  SessionTab,
  StreamHeader,
  ToStreamPage,
} from '../../src/protocol/stream.ts';

export interface FakeRow {
  kind: RowKind;
  flags?: (keyof typeof ROW_FLAGS)[];
  lane?: number;
  /** ms since the session's start */
  atMs: number;
  durationMs?: number;
  /** dollars */
  usd?: number;
  view: Partial<StepView>;
}

/** Where rows come from: a list, or a rule for a million of them. */
export interface FakeRows {
  readonly length: number;
  at(row: number): FakeRow;
}

export const dollars = (usd: number): number => Math.round(usd * 1e9);
const MINUTE = 60_000;
/** Rows in one columns message. */
const CHUNK = 50_000;

const ICONS: Partial<Record<RowKind, StepIcon>> = {
  prompt: 'account',
  assistant: 'comment',
  reasoning: 'thinking',
  read: 'file',
  modify: 'edit',
  search: 'search',
  run: 'terminal',
  web: 'globe',
  mcp: 'plug',
  agent: 'robot',
  tool: 'tools',
};

export class FakeStreamHost {
  readonly received: FromStreamPage[] = [];
  readonly tabs: SessionTab[] = [];
  readonly headers = new Map<string, StreamHeader>();
  readonly rows = new Map<string, FakeRows>();
  selected: string | undefined;
  /** Rows of the columns that are sent on their own; fewer while a session is being read. */
  readyRows = Number.POSITIVE_INFINITY;
  /** Answers nothing but `ready`, as a host that is busy. */
  busy = false;
  private queue: ToStreamPage[] = [];
  private send: ((message: ToStreamPage) => Promise<void>) | undefined;
  private sending = Promise.resolve();

  addSession(tab: SessionTab, header: StreamHeader, rows: FakeRows): void {
    this.tabs.push(tab);
    this.headers.set(tab.id, header);
    this.rows.set(tab.id, rows);
    this.selected ??= tab.id;
  }

  /** Where messages go; those of before are sent now, in order. */
  connect(send: (message: ToStreamPage) => Promise<void>): void {
    this.send = send;
    for (const message of this.queue.splice(0)) void this.post(message);
  }

  post(message: ToStreamPage): Promise<void> {
    const { send } = this;
    if (!send) this.queue.push(message);
    else {
      this.sending = this.sending
        .then(() => send(message))
        .catch((error: unknown) => {
          // A test that ends does not wait for answers that are on their way.
          if (!/has been closed/.test(String(error))) throw error;
        });
    }
    return this.sending;
  }

  /** What the page posted. */
  receive(message: FromStreamPage): void {
    this.received.push(message);
    if (message.type === 'ready') this.postSessions();
    if (message.type === 'select') {
      this.selected = message.sessionId;
      this.postSession();
    }
    if (this.busy) return;
    if (message.type === 'rows') {
      const rows = this.rows.get(message.sessionId);
      if (!rows) return;
      const views: StepView[] = [];
      for (let row = message.from; row < Math.min(message.to, rows.length); row++) {
        views.push(viewOf(rows.at(row), row));
      }
      const { sessionId, requestId, from } = message;
      void this.post({ type: 'rows', sessionId, requestId, from, rows: views });
    }
    if (message.type === 'find') this.find(message);
  }

  postSessions(): void {
    const { tabs: sessions, selected } = this;
    if (sessions.length === 0) void this.post({ type: 'empty', reason: 'noSession' });
    else {
      void this.post({
        type: 'sessions',
        version: 1,
        sessions,
        ...(selected === undefined ? {} : { selected }),
      });
      this.postSession();
    }
  }

  postSession(): void {
    const sessionId = this.selected;
    if (sessionId === undefined) return;
    this.postHeader(sessionId);
    const total = Math.min(this.rows.get(sessionId)?.length ?? 0, this.readyRows);
    for (let from = 0; from < total; from += CHUNK) {
      this.postColumns(sessionId, from, Math.min(total, from + CHUNK));
    }
  }

  postHeader(sessionId: string, change: Partial<StreamHeader> = {}): Promise<void> {
    const header = { ...this.headers.get(sessionId)!, ...change, nowMs: Date.now() };
    this.headers.set(sessionId, header);
    return this.post({ type: 'header', header });
  }

  postColumns(sessionId: string, from: number, to: number): Promise<void> {
    const rows = this.rows.get(sessionId)!;
    const { startedAtMs } = this.headers.get(sessionId)!;
    return this.post({
      type: 'columns',
      sessionId,
      columns: columnsOf(rows, from, to, startedAtMs),
    });
  }

  /** Rows that just came, with the header that belongs to them. */
  async append(sessionId: string, fresh: FakeRow[]): Promise<void> {
    const rows = this.rows.get(sessionId);
    if (!(rows instanceof RowList)) throw new Error('this session has no list to append to');
    const from = rows.length;
    rows.list.push(...fresh);
    await this.postColumns(sessionId, from, rows.length);
    await this.postHeader(sessionId, { counts: countsOf(rows) });
  }

  private find(message: Extract<FromStreamPage, { type: 'find' }>): void {
    const { sessionId, requestId, text, from } = message;
    const rows = this.rows.get(sessionId);
    const found: number[] = [];
    for (let row = from; row < (rows?.length ?? 0); row++) {
      const view = viewOf(rows!.at(row), row);
      const words = `${view.verb} ${view.target} ${view.detail}`.toLowerCase();
      if (words.includes(text.toLowerCase())) found.push(row);
    }
    const half = found.length >> 1;
    const parts = [found.slice(0, half), found.slice(half)];
    parts.forEach((part, index) => {
      const done = index === parts.length - 1;
      void this.post({ type: 'found', sessionId, requestId, rows: Uint32Array.from(part), done });
    });
  }
}

export class RowList implements FakeRows {
  readonly list: FakeRow[];
  constructor(list: FakeRow[]) {
    this.list = list;
  }
  get length(): number {
    return this.list.length;
  }
  at(row: number): FakeRow {
    return this.list[row]!;
  }
}

export function viewOf({ kind, view }: FakeRow, row: number): StepView {
  return {
    row,
    icon: ICONS[kind] ?? 'info',
    verb: '',
    target: '',
    style: 'code',
    detail: '',
    ...view,
  };
}

export function columnsOf(
  rows: FakeRows,
  from: number,
  to: number,
  startedAtMs: number,
): RowColumns {
  const count = to - from;
  const columns: RowColumns = {
    from,
    count,
    total: to,
    kind: new Uint8Array(count),
    flags: new Uint16Array(count),
    lane: new Uint16Array(count),
    timeMs: new Float64Array(count),
    durationMs: new Float32Array(count).fill(Number.NaN),
    nanoUsd: new Float64Array(count).fill(Number.NaN),
  };
  for (let i = 0; i < count; i++) {
    const row = rows.at(from + i);
    columns.kind[i] = ROW_KINDS.indexOf(row.kind);
    columns.flags[i] = (row.flags ?? []).reduce((bits, flag) => bits | ROW_FLAGS[flag], 0);
    columns.lane[i] = row.lane ?? 0;
    columns.timeMs[i] = startedAtMs + row.atMs;
    if (row.durationMs !== undefined) columns.durationMs[i] = row.durationMs;
    if (row.usd !== undefined) columns.nanoUsd[i] = dollars(row.usd);
  }
  return columns;
}

const TOOLS: readonly RowKind[] = [
  'read',
  'modify',
  'search',
  'run',
  'web',
  'mcp',
  'agent',
  'tool',
];

export function countsOf(rows: FakeRows): StreamHeader['counts'] {
  const counts = {
    events: rows.length,
    calls: 0,
    errors: 0,
    denied: 0,
    edits: 0,
    prompts: 0,
    badLines: 0,
  };
  for (let row = 0; row < rows.length; row++) {
    const { kind, flags = [] } = rows.at(row);
    if (TOOLS.includes(kind)) counts.calls++;
    if (kind === 'modify') counts.edits++;
    if (kind === 'prompt') counts.prompts++;
    if (flags.includes('error')) counts.errors++;
    if (flags.includes('denied')) counts.denied++;
  }
  return counts;
}

const prompt = (atMs: number, usd: number, target: string): FakeRow => ({
  kind: 'prompt',
  atMs,
  usd,
  view: { target, style: 'prose' },
});
const reasoning = (atMs: number, durationMs: number, usd: number, target: string): FakeRow => ({
  kind: 'reasoning',
  atMs,
  durationMs,
  usd,
  view: { target, style: 'muted' },
});
const call = (
  kind: RowKind,
  atMs: number,
  durationMs: number | undefined,
  usd: number | undefined,
  view: Partial<StepView>,
  more: Partial<FakeRow> = {},
): FakeRow => ({
  kind,
  atMs,
  ...(durationMs === undefined ? {} : { durationMs }),
  ...(usd === undefined ? {} : { usd }),
  view,
  ...more,
});

const FILLER: FakeRow[] = [
  call('read', 0, 100, 0.0121, { verb: 'Read', target: 'payments/refunds.py', detail: '1–88' }),
  reasoning(0, 3100, 0.0204, 'The handler runs twice when the gateway retries'),
  {
    kind: 'assistant',
    atMs: 0,
    usd: 0.011,
    view: { target: 'Both paths lead to charge()', style: 'prose' },
  },
  call('search', 0, 200, 0.0052, {
    verb: 'Grep',
    target: 'idempotency_key',
    detail: '4 in 2 files',
  }),
  {
    kind: 'model',
    atMs: 0,
    durationMs: 2400,
    usd: 0.0075,
    view: { icon: 'sparkle', verb: 'Response', target: 'claude-sonnet-4-5', style: 'muted' },
  },
];

/** The first 414 rows of the session that the design shows, filled up before what it shows. */
function designRows(): FakeRow[] {
  const at = 12 * MINUTE + 20_000;
  const tail: FakeRow[] = [
    prompt(at, 1.38, 'The duplicate charge still happens when the webhook is delivered twice'),
    reasoning(at, 9000, 0.0412, 'Retries are not the cause, the handler is entered twice'),
    call('read', at, 100, 0.0188, { verb: 'Read', target: 'payments/webhook.py', detail: '1–140' }),
    call('search', at, 200, 0.0107, { verb: 'Grep', target: 'charge\\(', detail: '11 in 4 files' }),
    call('agent', at, 38_000, 0.124, {
      verb: 'Explore',
      target: 'find idempotency helpers',
      style: 'muted',
      spawns: 1,
    }),
    call('read', at, 100, 0.0031, { verb: 'Read', target: 'core/idempotency.py' }, { lane: 1 }),
    call('search', at, 100, 0.0018, { verb: 'Glob', target: '**/test_*refund*.py' }, { lane: 1 }),
    call('modify', at, 300, 0.0312, {
      verb: 'Edit',
      target: 'payments/webhook.py',
      added: 9,
      removed: 3,
    }),
    call(
      'run',
      at,
      8400,
      0.0271,
      { target: 'pytest -q tests/webhooks', detail: 'exit 1' },
      { flags: ['error'] },
    ),
    call(
      'run',
      at,
      undefined,
      undefined,
      { icon: 'circle-slash', verb: 'Denied', target: 'rm -rf tests/fixtures', rule: 'no-rm-rf' },
      { flags: ['denied'] },
    ),
    reasoning(at, 4000, 0.015, 'Fixtures are shared, keep them'),
    call('modify', at, 200, 0.0196, {
      verb: 'Edit',
      target: 'tests/conftest.py',
      added: 4,
      removed: 1,
    }),
    call(
      'run',
      at,
      8900,
      0.0224,
      { target: 'pytest -q tests/webhooks', detail: 'exit 1' },
      { flags: ['error'] },
    ),
    call(
      'run',
      at,
      9100,
      0.0229,
      { target: 'pytest -q tests/webhooks --count 3', attempt: 2 },
      { flags: ['retry'] },
    ),
    prompt(18 * MINUTE + 30_000, 0.93, 'Run it twenty times to be sure'),
    call(
      'agent',
      at,
      undefined,
      0.3116,
      { verb: 'test-runner', target: 'soak the suite', style: 'muted', spawns: 2 },
      { flags: ['running'] },
    ),
    call('run', at, 41_000, 0.0092, { target: 'pytest --count 5', detail: 'passed' }, { lane: 2 }),
    call('read', at, 100, 0.0024, { verb: 'Read', target: 'pytest.ini' }, { lane: 2 }),
    call('modify', at, 200, 0.0388, {
      verb: 'Write',
      target: 'migrations/0042_event_keys.py',
      added: 31,
    }),
  ];
  const head: FakeRow[] = [];
  const prompts = ['Why do customers see two charges?', 'Write a test that fails', 'Fix it'];
  const before = 414 - tail.length;
  for (let i = 0; i < before; i++) {
    const turn = Math.floor((i * prompts.length) / before);
    const first = i === Math.ceil((turn * before) / prompts.length);
    const atMs = Math.round((i / before) * at);
    if (first) head.push(prompt(atMs, [0.52, 0.61, 0.93][turn]!, prompts[turn]!));
    else if (i % 19 === 7)
      head.push(
        call('modify', atMs, 300, 0.0205, {
          verb: 'Edit',
          target: 'payments/charge.py',
          added: 2,
          removed: 2,
        }),
      );
    else if (i % 83 === 11)
      head.push(
        call(
          'run',
          atMs,
          7600,
          0.0188,
          { target: 'pytest -q', detail: 'exit 1' },
          { flags: ['error'] },
        ),
      );
    else if (i === 200)
      head.push(
        call(
          'run',
          atMs,
          undefined,
          undefined,
          {
            icon: 'circle-slash',
            verb: 'Denied',
            target: 'git push --force',
            rule: 'no-force-push',
          },
          { flags: ['denied'] },
        ),
      );
    else head.push({ ...FILLER[i % FILLER.length]!, atMs });
  }
  return [...head, ...tail];
}

/** What comes in while the design's list is scrolled away: 14 rows. */
export function designNews(): FakeRow[] {
  return Array.from({ length: 14 }, (_, i) =>
    i % 3 === 0
      ? reasoning(19 * MINUTE, 2000, 0.0101, `Run ${i} was green`)
      : call('run', 19 * MINUTE, 9000 + i * 100, 0.0122, {
          target: `pytest -q tests/webhooks --seed ${i}`,
          detail: 'passed',
        }),
  );
}

/** The session of the design, now. */
export function designHost(): FakeStreamHost {
  const host = new FakeStreamHost();
  const now = Date.now();
  const rows = new RowList(designRows());
  const startedAtMs = now - 24 * MINUTE - 18_000;
  host.addSession(
    {
      id: 'claude-1',
      agent: 'Claude Code',
      workspace: 'payments-api',
      status: 'live',
      startedAtMs,
      nanoUsd: dollars(4.37),
      estimatedNanoUsd: 0,
      unpriced: 0,
    },
    {
      sessionId: 'claude-1',
      nowMs: now,
      title: 'Why do customers see two charges?',
      agent: 'Claude Code',
      workspace: 'payments-api',
      status: 'live',
      startedAtMs,
      cost: {
        nanoUsd: dollars(4.37),
        rateNanoUsd: dollars(0.21),
        estimatedNanoUsd: 0,
        ownNanoUsd: dollars(3.52),
        subagentNanoUsd: dollars(0.85),
        models: [model('claude-sonnet-4-5', 142, 3.52), model('claude-haiku-4-5', 40, 0.85)],
        priced: 182,
        deduplicated: 96,
        estimated: 0,
        unpriced: 0,
        unpricedModels: [],
        priceDate: '2026-11-20',
      },
      budgetNanoUsd: dollars(5),
      context: { tokens: 142_000, window: 200_000, compactAtTokens: 160_000 },
      cacheColdAtMs: now + 3 * MINUTE + 42_500,
      cacheTtlMs: 5 * MINUTE,
      current: {
        row: rows.length - 1,
        icon: 'terminal',
        tool: 'Bash',
        target: 'pytest -q tests/webhooks --count 20',
        startedAtMs: now - 12_300,
        usualMs: 9000,
      },
      counts: countsOf(rows),
      control: { kind: 'signals', paused: false },
      lanes: [
        { id: 'main', name: 'main' },
        { id: 'explore', name: 'Explore' },
        { id: 'runner', name: 'test-runner' },
      ],
    },
    rows,
  );
  return host;
}

/** A second session, of another agent. */
export function addCodex(host: FakeStreamHost, status: SessionTab['status'] = 'live'): void {
  const now = Date.now();
  const startedAtMs = now - 6 * MINUTE - 2000;
  const rows = new RowList([
    prompt(0, 0.9214, 'Rank exact matches first'),
    call('read', 4000, 200, 0.0112, { verb: 'Read', target: 'search/rank.rs', detail: '1–210' }),
    call('run', 9000, 14_000, 0.0304, { target: 'cargo test -q', detail: 'passed' }),
  ]);
  const tab: SessionTab = {
    id: 'codex-1',
    agent: 'Codex',
    workspace: 'search-api',
    status,
    startedAtMs,
    nanoUsd: dollars(0.9214),
    estimatedNanoUsd: 0,
    unpriced: 0,
  };
  host.addSession(
    tab,
    {
      sessionId: tab.id,
      nowMs: now,
      title: 'Rank exact matches first',
      agent: tab.agent,
      workspace: tab.workspace,
      status,
      startedAtMs,
      cost: {
        nanoUsd: tab.nanoUsd,
        rateNanoUsd: dollars(0.05),
        estimatedNanoUsd: 0,
        ownNanoUsd: tab.nanoUsd,
        subagentNanoUsd: 0,
        models: [model('gpt-5-codex', 12, 0.9214)],
        priced: 12,
        deduplicated: 0,
        estimated: 0,
        unpriced: 0,
        unpricedModels: [],
      },
      context: { tokens: 61_000 },
      thinkingSinceMs: now - 4200,
      counts: countsOf(rows),
      lanes: [{ id: 'main', name: 'main' }],
      control: { kind: 'none', reason: "Can't tell which process is the agent's.", paused: false },
    },
    rows,
  );
}

function model(name: string, responses: number, usd: number): StreamHeader['cost']['models'][0] {
  return {
    model: name,
    responses,
    nanoUsd: dollars(usd),
    inputTokens: 1200,
    cacheReadTokens: 4_100_000,
    cacheWriteTokens: 310_000,
    outputTokens: 88_000,
  };
}

/** As many rows as wanted, by rule: a prompt every 100, an error every 1,000, a denied call every 5,000. */
export class ManyRows implements FakeRows {
  readonly length: number;
  constructor(length: number) {
    this.length = length;
  }
  at(row: number): FakeRow {
    const atMs = row * 40;
    if (row % 100 === 0) return prompt(atMs, 0.4, `Prompt at row ${row}`);
    if (row % 5000 === 77) {
      return call(
        'run',
        atMs,
        undefined,
        undefined,
        { verb: 'Denied', target: `rm -rf ${row}`, rule: 'no-rm-rf' },
        { flags: ['denied'] },
      );
    }
    if (row % 1000 === 55)
      return call(
        'run',
        atMs,
        900,
        0.01,
        { target: `make ${row}`, detail: 'exit 2' },
        { flags: ['error'] },
      );
    if (row % 7 === 3)
      return call('modify', atMs, 300, 0.02, {
        verb: 'Edit',
        target: `src/file${row}.ts`,
        added: 1,
        removed: 1,
      });
    if (row % 3 === 0) return reasoning(atMs, 1500, 0.004, `Thought of row ${row}`);
    return call('read', atMs, 100, 0.001, { verb: 'Read', target: `src/file${row}.ts` });
  }
}

/** The design's session with other rows. */
export function hostWith(rows: FakeRows): FakeStreamHost {
  const host = designHost();
  host.rows.set('claude-1', rows);
  host.headers.set('claude-1', { ...host.headers.get('claude-1')!, counts: countsOf(rows) });
  return host;
}

/** Text made to break a page. */
export function hostileHost(): FakeStreamHost {
  const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
  const long = 'x'.repeat(300);
  const rows = new RowList([
    prompt(0, 0.1, `${script} ${long}`),
    call('read', 1000, 100, 0.01, { verb: script, target: script, detail: script }),
    call('run', 2000, 100, 0.01, { target: long, detail: long }),
    call(
      'run',
      3000,
      100,
      0.01,
      { verb: long, target: long, detail: long, attempt: 2 },
      { flags: ['retry'] },
    ),
    call('read', 4000, 100, 0.01, {
      verb: 'Read',
      target: 'invoice\u202egpj.exe',
      detail: 'after',
    }),
    call('read', 5000, 100, 0.01, {
      verb: 'Read',
      target: '\u2067\u2066deep\u202d\u202e',
      detail: 'after',
    }),
    call('read', 6000, 100, 0.01, { verb: 'Read', target: 'שלום/עולם.txt', detail: '1–20' }),
    call('run', 7000, 100, 0.01, {
      target: '\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\x00\x7f',
      detail: 'exit 0',
    }),
    call('run', 8000, 100, 0.01, { target: 'one\ntwo\r\n\tthree\u2028four', detail: '' }),
    call(
      'run',
      9000,
      undefined,
      undefined,
      { icon: 'circle-slash', verb: 'Denied', target: long, rule: `${script}${long}` },
      { flags: ['denied'] },
    ),
    call('modify', 10_000, 100, 0.01, {
      verb: 'Edit',
      target: `z${'\u0335\u0321\u0489'.repeat(90)}algo`,
      added: 1e9,
      removed: 1e9,
    }),
    call('read', 11_000, 100, 1234.5, {
      verb: 'Read',
      target: '👩‍💻 家族 👨‍👩‍👧‍👦 é',
      detail: '{{constructor}} %s %n',
    }),
    call(
      'mcp',
      12_000,
      4e7,
      98765,
      { verb: '__proto__', target: 'javascript:alert(1)', style: 'prose' },
      { lane: 65535 },
    ),
  ]);
  const host = hostWith(rows);
  const header = host.headers.get('claude-1')!;
  host.tabs[0]!.agent = script;
  host.tabs[0]!.workspace = `\u202e${long}`;
  host.headers.set('claude-1', {
    ...header,
    agent: script,
    title: script,
    current: { ...header.current!, tool: script, target: `${script}\u202e${long}` },
    cost: {
      ...header.cost,
      models: [model(script, 1, 1), model(long, 2, 2)],
      unpriced: 3,
      unpricedModels: [`${script}\u202e`],
    },
  });
  return host;
}

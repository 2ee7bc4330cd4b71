/** A real feed over a real trace, for the replay page: the session of the design, invented. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LiveSessions } from '../../src/host/liveSessions.ts';
import { type AnswersHost, ReplayAnswers } from '../../src/host/replayAnswers.ts';
import { ReplayFeed } from '../../src/host/replayFeed.ts';
import type { JsonObject } from '../../src/model/event.ts';
import { ids } from '../../src/model/ids.ts';
import type { FromReplayPage, ReplaySpeed, ToReplayPage } from '../../src/protocol/replay.ts';
import { flatPricer } from '../flatPricer.ts';
import { TraceWriter } from '../traceWriter.ts';

export class ReplayLab {
  readonly received: FromReplayPage[] = [];
  readonly opened: string[] = [];
  readonly live: LiveSessions;
  readonly root: string;
  readonly traceDir: string;
  settings: { speed: ReplaySpeed; skipIdle: boolean } = { speed: 4, skipIdle: true };
  feed: ReplayFeed | undefined;
  /** What was copied last. */
  clipboard = '';
  budgetNanoUsd: number | undefined;
  readonly names = new Map<string, string>();

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'replay-page-'));
    this.traceDir = join(this.root, 'payments-api', '.agent-traces');
    mkdirSync(this.traceDir, { recursive: true });
    this.live = new LiveSessions({
      folders: [{ traceDir: this.traceDir, workspace: 'payments-api' }],
      loadPricer: () => Promise.resolve(flatPricer),
      readTranscripts: false,
      nameOf: ({ id }) => this.names.get(id) || undefined,
      problem: () => {},
    });
  }

  writer(id: string, startMs = Date.now() - 24 * 60_000): TraceWriter {
    return new TraceWriter(this.traceDir, id, { startMs, cwd: '/home/dev/payments-api' });
  }

  /** The key of a session, once it is read. */
  async key(id: string): Promise<string> {
    for (let tries = 0; tries < 500; tries++) {
      const found = this.live.sessions.find((session) => session.id === id && !session.loading);
      if (found) return found.key;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`session ${id} was not read`);
  }

  /** The feed of a session; what it says goes to `post`. */
  begin(key: string, post: (message: ToReplayPage) => void, step?: number): ReplayFeed {
    this.feed?.dispose();
    this.feed = new ReplayFeed(
      this.live,
      key,
      {
        open: (_session, at, what) => this.opened.push(`${what} ${at}`),
        openFile: (_session, path, asOf) =>
          this.opened.push(`file ${path}${asOf === undefined ? '' : ` as of ${asOf}`}`),
        openChanges: (_session, from, to) => this.opened.push(`changes ${from}-${to}`),
        rename: (session, title) => {
          this.names.set(session.id, title);
          this.live.announce();
        },
        loadAnswers: async (session) => new ReplayAnswers(session, this.answersHost(post), 'Dana'),
        ...this.answersHost(post),
        command: (command) => this.opened.push(command),
        settings: () => this.settings,
        named: () => {},
      },
      step,
    );
    return this.feed;
  }

  private answersHost(post: (message: ToReplayPage) => void): AnswersHost {
    return {
      post,
      budgetNanoUsd: () => this.budgetNanoUsd,
      copyText: async (text) => {
        this.clipboard = text;
      },
      linkTo: (session, step) => `vscode://test/replay?session=${session.id}&step=${step + 1}`,
      mayWrite: () => true,
    };
  }

  async close(): Promise<void> {
    this.feed?.dispose();
    await this.live.dispose();
    rmSync(this.root, { recursive: true, force: true });
  }
}

const WEBHOOK = '/home/dev/payments-api/src/payments/webhook.py';
const HELPER = '/home/dev/payments-api/src/core/idempotency.py';
const TEST = '/home/dev/payments-api/tests/webhooks/test_resend.py';

const BEFORE = `async def handle_charge(event: Event, db: Session):
    for attempt in range(MAX_RETRIES):
        await charge(event.customer, event.amount)
    await db.commit()`;
const AFTER = `async def handle_charge(event: Event, db: Session):
    key = f"{event.id}:{event.type}"
    async with idempotent(db, key) as first:
        if not first:
            return Response(status=200)  # already charged
        await charge(event.customer, event.amount, key=key)
    await db.commit()`;

/** Writes the session that the design shows, in small. @returns its writer, for what comes later */
export function designSession(lab: ReplayLab, id = 'design'): TraceWriter {
  const writer = lab.writer(id).start();
  const SECOND = 1000;
  const wait = (seconds: number): void => {
    writer.nowMs += seconds * SECOND;
  };
  const call = (tool: string, args: JsonObject, result: JsonObject, seconds = 0.2): string => {
    const made = writer.call(tool, args);
    wait(seconds);
    writer.result(made, result);
    writer.usage([made], 'claude-sonnet-4-5', {
      input_tokens: 40_000 + (writer.nowMs % 60_000),
      output_tokens: 600,
    });
    return made;
  };
  const read = (path: string, first = 1, last = 140): string =>
    call(
      'Read',
      { file_path: path, offset: first, limit: last - first + 1 },
      {
        result: 'def handle(event): ...',
        files: [{ path, kind: 'read', ranges: [[first, last]] }],
      },
    );
  const think = (text: string): void =>
    writer.write(
      writer.event('assistant_response', {
        event_subtype: 'reasoning',
        text,
        message_id: `m${writer.nowMs}`,
      }),
    );
  const fail = (command: string, error: string): void => {
    const made = writer.call('Bash', { command });
    wait(8.4);
    writer.write(
      writer.event(
        'error',
        { tool_use_id: made, error, exit_code: 1 },
        { event_id: ids.result(id, made), parent_id: writer.callId(made), duration_ms: 8400 },
      ),
    );
    writer.usage([made], 'claude-sonnet-4-5', { input_tokens: 61_000 });
  };
  writer.prompt('Make webhook retries idempotent');
  for (let i = 0; i < 12; i++) {
    wait(6);
    read(i % 3 === 0 ? HELPER : WEBHOOK, 1 + i * 10, 30 + i * 10);
  }
  wait(70);
  writer.prompt('Reproduce it with a test first');
  call('Grep', { pattern: 'charge\\(' }, { result: 'src/payments/webhook.py:42' });
  call(
    'Write',
    { file_path: TEST, content: 'def test_resend():\n    assert charges() == 1\n' },
    { files: [{ path: TEST, kind: 'create', added: 2, removed: 0 }] },
  );
  fail(
    'pytest -q tests/webhooks',
    'Exit code 1\ntest_resend expected 1 charge, got 2\n1 failed in 7.9s',
  );
  wait(12);
  const denied = writer.call('Bash', { command: 'git push --force' });
  writer.write(
    writer.event(
      'error',
      {
        event_subtype: 'denied',
        tool_use_id: denied,
        error: 'denied',
        rule: 'no-force-push',
        denied_by: 'hook',
      },
      { parent_id: writer.callId(denied) },
    ),
  );
  wait(100);
  writer.prompt(
    'The duplicate charge still happens when Stripe re-sends the event. Don’t add sleeps; make the handler idempotent.',
  );
  wait(3);
  think(
    'Retries are not the cause: the handler charges before it records the event, so a second delivery charges again. I should look for an existing idempotency helper.',
  );
  wait(5);
  read(WEBHOOK);
  const agent = writer.call('Agent', {
    subagent_type: 'Explore',
    description: 'find idempotency helpers',
    prompt: 'Look',
  });
  const lane = { agent_id: 'explore-1', agent_type: 'Explore' };
  writer.write(writer.event('tool_call', { event_subtype: 'subagent', ...lane }));
  for (const path of [HELPER, '/home/dev/payments-api/src/payments/stripe_client.py']) {
    wait(4);
    const inner = writer.call('Read', { file_path: path }, lane);
    writer.result(inner, { ...lane, files: [{ path, kind: 'read' }] });
    writer.write(
      writer.event('llm_response', {
        event_subtype: 'usage',
        recorded_by: 'transcript',
        model: 'claude-haiku-4-5',
        message_id: `sub${writer.nowMs}`,
        tool_use_ids: [inner],
        usage: { input_tokens: 9000, output_tokens: 300, cache_read_input_tokens: 5000 },
        ...lane,
      }),
    );
  }
  wait(20);
  writer.write(writer.event('tool_result', { event_subtype: 'subagent', ...lane }));
  writer.result(agent, {
    result: 'core/idempotency.py, used by 2 callers',
    subagent_id: 'explore-1',
  });
  writer.usage([agent]);
  wait(6);
  call(
    'Edit',
    { file_path: WEBHOOK, old_string: BEFORE, new_string: AFTER },
    {
      result: 'The file was updated. 4 more lines changed further down.',
      files: [
        {
          path: WEBHOOK,
          kind: 'write',
          hunks: [[41, 4, 41, 7]],
          ranges: [[42, 46]],
          added: 5,
          removed: 2,
        },
      ],
    },
    0.3,
  );
  wait(4);
  fail('pytest -q tests/webhooks', 'Exit code 1\ntest_resend expected 1 charge, got 2');
  wait(9);
  call(
    'Edit',
    {
      file_path: TEST,
      old_string: 'assert charges() == 1',
      new_string: 'assert charges("evt_1") == 1',
    },
    {
      files: [
        {
          path: TEST,
          kind: 'write',
          hunks: [[2, 1, 2, 1]],
          ranges: [[2, 2]],
          added: 1,
          removed: 1,
        },
      ],
    },
  );
  call(
    'Bash',
    { command: 'pytest -q tests/webhooks --count 20' },
    { result: '20 passed', exit_code: 0 },
    41,
  );
  wait(30);
  writer.write(
    writer.event('assistant_response', { text: 'Done: the handler asks the helper first.' }),
  );
  return writer;
}

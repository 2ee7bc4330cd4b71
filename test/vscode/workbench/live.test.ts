// The promise of the product, with real parts only: the real Claude Code works in a project, recorded by
// the hooks that set-up installs, and a real VS Code shows what it does and what it costs while it runs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { calcPrice } from '@pydantic/genai-prices';
import { afterEach, expect, test, vi } from 'vitest';
import { formatUsd } from '../../../src/model/format.ts';
import { ClaudeLab } from '../../agents/claudeLab.ts';
import { type Scenario, text, thinking, tool, type Usage } from '../../agents/mockAnthropic.ts';
import { Workbench } from '../workbench.ts';

const root = join(import.meta.dirname, '../../..');
const MODEL = 'claude-sonnet-4-5-20250929';
let lab: ClaudeLab | undefined;
let workbench: Workbench | undefined;
afterEach(async () => {
  await workbench?.close();
  await lab?.close();
  workbench = undefined;
  lab = undefined;
});

const HANDLER = 'src/payments/webhook.py';
const usage = (read: number, write: number, output: number): Partial<Usage> => ({
  input_tokens: 12,
  cache_read_input_tokens: read,
  cache_creation: { ephemeral_5m_input_tokens: write, ephemeral_1h_input_tokens: 0 },
  output_tokens: output,
});

const scenario = ({ projectDir }: { projectDir: string }): Scenario => {
  const handler = join(projectDir, HANDLER);
  const tests = (seconds: number, exit: number, words: string) =>
    tool('Bash', {
      command: `./run-tests tests/webhooks ${seconds} ${exit} "${words}"`,
      description: 'Run the webhook tests',
    });
  return {
    main: [
      {
        blocks: [
          thinking(
            'A re-sent webhook carries the same event id. First: how does the handler charge?',
          ),
          tool('Read', { file_path: handler }),
          tool('Read', { file_path: join(projectDir, 'tests/webhooks/test_resend.py') }),
        ],
        usage: usage(0, 24_800, 240),
      },
      {
        blocks: [
          tool('Agent', {
            description: 'Find idempotency helpers',
            prompt: 'SCENARIO:explore find idempotency helpers',
            subagent_type: 'general-purpose',
            run_in_background: false,
          }),
        ],
        usage: usage(24_800, 2600, 180),
      },
      { blocks: [tests(1, 1, '1 failed')], usage: usage(27_400, 1900, 130) },
      {
        blocks: [
          text('The helper is there; the handler only has to use it.'),
          tool('Edit', {
            file_path: handler,
            old_string:
              'async def handle_charge(event: Event, db) -> Response:\n    await charge(event.customer, event.amount)\n',
            new_string:
              'async def handle_charge(event: Event, db) -> Response:\n    key = f"{event.id}:{event.type}"\n    async with idempotent(db, key) as first:\n        if not first:\n            return Response(status=200)  # already charged\n        await charge(event.customer, event.amount, key=key)\n',
          }),
        ],
        usage: usage(29_300, 1300, 420),
      },
      { blocks: [tests(1, 1, '1 failed')], usage: usage(30_600, 800, 110) },
      {
        blocks: [
          tool('Edit', {
            file_path: handler,
            old_string: 'from payments.stripe_client import charge, verify\n',
            new_string:
              'from core.idempotency import idempotent\nfrom payments.stripe_client import charge, verify\n',
          }),
        ],
        usage: usage(31_400, 700, 310),
      },
      { blocks: [tests(12, 0, '1 passed')], usage: usage(32_100, 900, 120) },
      {
        blocks: [text('Re-sent events are answered with 200 and charge nothing.')],
        usage: usage(33_000, 500, 160),
      },
    ],
    explore: [
      {
        blocks: [tool('Read', { file_path: join(projectDir, 'src/core/idempotency.py') })],
        usage: usage(0, 6200, 90),
      },
      { blocks: [text('src/core/idempotency.py has one.')], usage: usage(6200, 700, 150) },
    ],
  };
};

/** What the model's answers cost so far, by its own count. */
function billed(lab: ClaudeLab): number {
  const usd = lab.mock.requests
    .filter(({ scenario }) => scenario !== 'side')
    .flatMap(({ answer }) => answer?.usage ?? [])
    .reduce((sum, used) => {
      const { ephemeral_5m_input_tokens: write } = used.cache_creation;
      const tokens = {
        input_tokens: used.input_tokens + used.cache_read_input_tokens + write,
        cache_read_tokens: used.cache_read_input_tokens,
        cache_write_tokens: write,
        output_tokens: used.output_tokens,
      };
      return sum + calcPrice(tokens, MODEL, { providerId: 'anthropic' })!.total_price;
    }, 0);
  return Math.round(usd * 1e9);
}

test('a session of the real Claude Code, live, to the cent', { timeout: 180_000 }, async () => {
  lab = await ClaudeLab.create({
    scenario,
    projectName: 'payments-api',
    files: { 'run-tests': '#!/bin/sh\nsleep "$2"; echo "$4"; exit "$3"\n' },
  });
  const { projectDir, home } = lab;
  cpSync(join(root, 'demo', 'workspace'), projectDir, { recursive: true });
  spawnSync('chmod', ['+x', join(projectDir, 'run-tests')]);
  const setUp = spawnSync(
    process.execPath,
    [join(root, 'dist', 'cli.js'), 'setup', '--cli', 'claude', '--yes'],
    {
      cwd: projectDir,
      encoding: 'utf8',
      env: { HOME: home, PATH: `${dirname(lab.claude)}:${dirname(process.execPath)}:/bin` },
    },
  );
  expect(setUp.status, setUp.stderr).toBe(0);

  workbench = await Workbench.open(projectDir, {
    viewport: { width: 1280, height: 760 },
    env: {
      CLAUDE_CONFIG_DIR: join(home, '.claude'),
      AGENT_STRACE_HOME: join(home, '.agent-strace'),
    },
  });
  const { page } = workbench;
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const frame = await workbench.webviewFrame('Event Stream');
  await workbench.openFile('webhook.py');
  await page.locator('.editor-instance').first().waitFor();
  await page.keyboard.press('Control+End');

  const run = lab.start({
    prompt:
      'The duplicate charge still happens when the provider re-sends the event. Make the handler idempotent.',
    args: ['--model', MODEL],
  });
  // In the middle of it: the long test run.
  await frame.getByText('./run-tests tests/webhooks 12').first().waitFor({ timeout: 60_000 });
  const item = workbench.statusBarItem(/Bash \d+s/);
  await item.waitFor({ timeout: 10_000 });
  const soFar = formatUsd(billed(lab));
  await vi.waitFor(async () => expect(await item.textContent()).toContain(soFar), {
    timeout: 8000,
    interval: 100,
  });
  expect(await item.textContent()).toContain('9 calls');
  // A wider side bar, and the status bar's tooltip: as one would look at it.
  const sashes = await page.locator('.monaco-sash.vertical').all();
  const places = await Promise.all(sashes.map((sash) => sash.boundingBox()));
  const edge = places.find((box) => box !== null && box.x > 300 && box.x < 420);
  if (edge) {
    await page.mouse.move(edge.x + 2, 500);
    await page.mouse.down();
    await page.mouse.move(edge.x + 82, 500, { steps: 8 });
    await page.mouse.up();
  }
  await item.hover();
  await page.locator('.workbench-hover-container').filter({ hasText: 'Cost' }).waitFor();
  await page.waitForTimeout(1200);
  const picture = await workbench.screenshot('live');
  // The README's picture is this one: UPDATE_PICTURES=1 renews it.
  if (process.env.UPDATE_PICTURES === '1') {
    copyFileSync(picture, join(root, 'media', 'live-session.png'));
  }

  const result = await run.done;
  expect(result.code, result.stderr).toBe(0);
  const total = formatUsd(billed(lab));
  expect(total).not.toBe(soFar);
  await workbench.statusBarItem(total).waitFor({ timeout: 10_000 });
  // Each response of the subagent counts, and counts as the subagent's.
  await frame.getByText(`own `).first().waitFor();
});

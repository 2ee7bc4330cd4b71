// The editor experience with real parts only: the real Claude Code reads, searches and changes known lines while
// a real VS Code marks them, replays them, freezes the agent and ends it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Frame, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClaudeLab } from '../../agents/claudeLab.ts';
import { type Scenario, text, tool } from '../../agents/mockAnthropic.ts';
import { isRunning } from '../../processes.ts';
import { Workbench } from '../workbench.ts';

const root = join(import.meta.dirname, '../../..');
const LINES = Array.from({ length: 30 }, (_, at) => `value_${at + 1} = ${at + 1}\n`).join('');
/** Beats ten times a second, as a child of a child of the agent. */
const BEAT = `#!/bin/sh\nsh -c 'n=0; while [ $n -lt 600 ]; do n=$((n+1)); echo $n > beat; sleep 0.1; done'\n`;

let lab: ClaudeLab;
let workbench: Workbench;

const scenario = ({ projectDir }: { projectDir: string }): Scenario => {
  const file = join(projectDir, 'values.py');
  return {
    main: [
      [tool('Read', { file_path: file, offset: 4, limit: 3 })],
      [tool('Bash', { command: "grep -n 'value_2. = ' values.py" })],
      [
        tool('Edit', {
          file_path: file,
          old_string: 'value_10 = 10\n',
          new_string: 'value_10 = 100\nvalue_10b = 101\n',
        }),
      ],
      [tool('Bash', { command: './beat.sh', timeout: 120_000 })],
      [text('Done.')],
    ],
    other: [
      [tool('Read', { file_path: join(projectDir, 'other.py') })],
      [
        tool('Edit', {
          file_path: join(projectDir, 'other.py'),
          old_string: 'value_3 = 3',
          new_string: 'value_3 = 33',
        }),
      ],
      { blocks: [text('Other is done.')], delay: 1500 },
    ],
  };
};

beforeEach(async () => {
  lab = await ClaudeLab.create({
    scenario,
    files: { 'values.py': LINES, 'other.py': LINES, 'beat.sh': BEAT },
  });
  const { projectDir, home } = lab;
  spawnSync('chmod', ['+x', join(projectDir, 'beat.sh')]);
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
    viewport: { width: 1400, height: 820 },
    env: {
      CLAUDE_CONFIG_DIR: join(home, '.claude'),
      AGENT_STRACE_HOME: join(home, '.agent-strace'),
    },
  });
});
afterEach(async () => {
  await workbench?.close();
  await lab?.close();
});

/** The bars of the gutter by line: `M10-11 R4-6 …`, as they are drawn. */
async function gutter(page: Page): Promise<string> {
  const drawn = await page.evaluate(() => {
    const numbers = [...document.querySelectorAll('.margin-view-overlays .line-numbers')].map(
      (element) => ({
        top: Math.round(element.getBoundingClientRect().top),
        line: Number(element.textContent),
      }),
    );
    return [...document.querySelectorAll('.glyph-margin-widgets > *, .margin-view-overlays .cgmr')]
      .map((element) => ({
        top: Math.round(element.getBoundingClientRect().top),
        image: getComputedStyle(element).backgroundImage,
      }))
      .filter(({ image }) => image.includes('svg'))
      .map(({ top, image }) => ({
        line: numbers.find((number) => Math.abs(number.top - top) < 4)?.line ?? -1,
        svg: atob(image.split('base64,')[1]?.replace(/["')]+$/, '') ?? ''),
      }));
  });
  const runs: string[] = [];
  for (const [kind, colour] of [
    ['R', '#4a9eff'],
    ['M', '#e5a00d'],
  ] as const) {
    const lines = drawn
      .filter(({ svg }) => svg.toLowerCase().includes(colour))
      .map(({ line }) => line)
      .sort((a, b) => a - b);
    for (let at = 0; at < lines.length; ) {
      let end = at;
      while (lines[end + 1] === lines[end]! + 1) end++;
      runs.push(`${kind}${lines[at]}-${lines[end]}`);
      at = end + 1;
    }
  }
  return runs.join(' ');
}

const stateOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2);
  } catch {
    return '-';
  }
};

/** All processes whose HOME is the lab's, but our recorder: the agent and what it runs. */
function family(): number[] {
  const read = (pid: number, name: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(pid, 'environ').split('\0').includes(`HOME=${lab.home}`))
    .filter((pid) => !read(pid, 'cmdline').includes('.agent-strace'));
}

const beat = (): number => Number(readFileSync(join(lab.projectDir, 'beat'), 'utf8').trim() || 0);

/** Clicks, and measures from the click in the page until every process of the agent is as wanted, ms. */
async function clickUntil(
  frame: Frame,
  name: string,
  wanted: (state: string) => boolean,
): Promise<number> {
  const button = frame.getByRole('button', { name });
  await button.waitFor();
  await frame.evaluate(() => {
    document.addEventListener('click', () => Object.assign(window, { clickedMs: Date.now() }), {
      once: true,
      capture: true,
    });
  });
  const pids = family();
  expect(pids.length).toBeGreaterThanOrEqual(3);
  let doneMs = 0;
  const watch = setInterval(() => {
    if (doneMs === 0 && family().every((pid) => wanted(stateOf(pid)))) doneMs = Date.now();
  }, 2);
  await button.click();
  await expect.poll(() => doneMs, { timeout: 5000, interval: 10 }).toBeGreaterThan(0);
  clearInterval(watch);
  return (
    doneMs - (await frame.evaluate(() => (window as unknown as { clickedMs: number }).clickedMs))
  );
}

test('known reads and edits are marked on their lines; pause freezes everything, stop leaves nothing', {
  timeout: 240_000,
}, async () => {
  const { page } = workbench;
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const frame = await workbench.webviewFrame('Event Stream');
  await workbench!.openFile('values.py');
  const run = lab.start({ prompt: 'Change the values.', args: ['--model', 'claude-sonnet-4-5'] });
  await frame.getByText('./beat.sh').first().waitFor({ timeout: 60_000 });
  await expect.poll(() => existsSync(join(lab.projectDir, 'beat')), { timeout: 20_000 }).toBe(true);

  // Read offset 4 limit 3; grep hits lines 20 to 29, one further down after the edit put a line in; the edit's two lines.
  await expect.poll(() => gutter(page), { timeout: 20_000 }).toBe('R4-6 R21-30 M10-11');
  await page.locator('.editor-instance .view-lines').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# one\n# two\n');
  await expect.poll(() => gutter(page), { timeout: 10_000 }).toBe('R6-8 R23-32 M12-13');
  // However many steps the typing was.
  for (let undo = 0; undo < 10 && (await gutter(page)) !== 'R4-6 R21-30 M10-11'; undo++) {
    await page.keyboard.press('Control+Z');
    await page.waitForTimeout(700);
  }
  await expect.poll(() => gutter(page), { timeout: 10_000 }).toBe('R4-6 R21-30 M10-11');

  // The brake, three times: a shared machine has bad moments.
  const frozenMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    frozenMs.push(await clickUntil(frame, 'Pause', (state) => state === 'T' || state === 'Z'));
    const still = beat();
    await workbench.statusBarItem('paused').waitFor({ timeout: 5000 });
    await page.waitForTimeout(500);
    expect(beat()).toBe(still);
    if (round === 0) await workbench.screenshot('editor-paused');
    await clickUntil(frame, 'Resume', (state) => state !== 'T');
    await expect.poll(beat, { timeout: 5000 }).toBeGreaterThan(still);
  }
  console.log(`click → all processes frozen: ${frozenMs.join(', ')} ms`);
  expect(Math.min(...frozenMs)).toBeLessThanOrEqual(100);

  const pids = family();
  await frame.getByRole('button', { name: 'Stop' }).click();
  await page.locator('.monaco-dialog-box').getByText('Its work so far stays.').waitFor();
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Stop' }).click();
  await run.done;
  await expect.poll(() => pids.filter(isRunning), { timeout: 15_000 }).toEqual([]);
  expect(family()).toEqual([]);
  await workbench.statusBarItem(/done|stopped/).waitFor({ timeout: 20_000 });
});

test('two real sessions in two windows do not mix, nothing is doubled, and a reload loses nothing', {
  timeout: 240_000,
}, async () => {
  const { page } = workbench;
  const second = await workbench.secondWindow();
  await workbench!.openFile('values.py');
  await workbench!.openFile('other.py', second);
  const model = ['--model', 'claude-sonnet-4-5'];
  const beating = lab.start({ prompt: 'Change the values.', args: model });
  await expect.poll(() => existsSync(join(lab.projectDir, 'beat')), { timeout: 60_000 }).toBe(true);
  const other = await lab.run({ prompt: 'SCENARIO:other Change the other.', args: model });
  expect(other.code, other.stderr).toBe(0);

  // Each file has the marks of the session that touched it, in both windows.
  const ofFirst = 'R4-6 R21-30 M10-11';
  const ofOther = 'R1-2 R4-30 M3-3';
  await expect.poll(() => gutter(page), { timeout: 30_000 }).toBe(ofFirst);
  await expect.poll(() => gutter(second), { timeout: 30_000 }).toBe(ofOther);
  await workbench!.openFile('other.py');
  await expect.poll(() => gutter(page), { timeout: 30_000 }).toBe(ofOther);

  // The window comes back with all of it.
  await workbench.reload();
  await workbench!.openFile('other.py');
  await expect.poll(() => gutter(page), { timeout: 30_000 }).toBe(ofOther);
  await workbench!.openFile('values.py');
  await expect.poll(() => gutter(page), { timeout: 30_000 }).toBe(ofFirst);

  // Both windows and the command line name the same two sums; each response counts once, whoever read it.
  beating.child.kill('SIGTERM');
  await beating.done;
  const listed = spawnSync(
    process.execPath,
    [join(root, 'dist', 'cli.js'), 'cost', '--all', '--json'],
    {
      cwd: lab.projectDir,
      encoding: 'utf8',
      env: { HOME: lab.home, PATH: '/usr/bin:/bin', CLAUDE_CONFIG_DIR: join(lab.home, '.claude') },
    },
  );
  expect(listed.status, listed.stderr).toBe(0);
  const { responses } = JSON.parse(listed.stdout) as { responses: number };
  const answered = lab.mock.requests.filter(
    ({ scenario: name, answer }) => name !== 'side' && answer !== undefined,
  );
  expect(responses).toBe(answered.length);
});

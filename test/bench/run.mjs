// npm run bench: speed, memory and sizes, as ratios against a baseline that is measured in the same run.
//
//   npm run bench [-- hook guard command brake ingest analyses replay sizes host marks timeline] [--events 1000000] [--runs 5]
import { spawnSync } from 'node:child_process';
import {
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { benchCommandHooks, benchGuard, benchHook } from './hook.mjs';
import { median, quantile } from './stats.mjs';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
  },
});
const wanted = (name) => positionals.length === 0 || positionals.includes(name);
const runs = Number(values.runs);
const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-bench-'));
const require = createRequire(import.meta.url);

function row(what, value, aim = '') {
  console.log(`  ${what.padEnd(44)} ${value.padStart(22)}   ${aim}`);
}

async function bundle(entry) {
  const outfile = join(scratch, `${entry.replaceAll('/', '-')}.cjs`);
  await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: outfile.replace('.cjs', '.mjs'),
    logLevel: 'error',
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
  });
  return outfile.replace('.cjs', '.mjs');
}

async function hook() {
  console.log('\nHook: what one event costs the agent (PreToolUse)');
  const { installLauncher, hookCommand } = await import(await bundle('src/agents/launcher.ts'));
  const rows = benchHook({
    dist,
    install(env) {
      const options = {
        hookBundle: join(dist, 'hook.js'),
        version: '0.0.0',
        nodePath: process.execPath,
      };
      installLauncher({ ...options, env });
      return hookCommand('claude', 'PreToolUse', env);
    },
  });
  for (const { name, ms, ratio } of rows) {
    row(
      name,
      `${ms.toFixed(1)} ms  ${ratio.toFixed(2)} ×`,
      name.startsWith('installed') ? 'aim ≤ 1.3 ×' : '',
    );
  }
}

/** The session that was prepared, and what the guard keeps of it: of another file, in another folder. */
function copyPrepared(from, to) {
  const mode = constants.COPYFILE_FICLONE;
  for (const name of ['state', 'traces']) {
    cpSync(join(from, name), join(to, name), { recursive: true, mode });
  }
  const traceDir = join(to, 'traces');
  const { dev, ino } = statSync(join(traceDir, 'bench-session', 'events.ndjson'));
  const path = join(to, 'state', 'guard', 'state', 'bench-session.json');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...state, dev, ino, traceDir }));
}

async function guard() {
  const count = Number(values.events);
  console.log(
    `\nGuard: what a decision by 200 rules costs above recording, as installed, in a session of ${count.toLocaleString('en')} events`,
  );
  const { installLauncher, hookCommand } = await import(await bundle('src/agents/launcher.ts'));
  const script = await bundle('test/bench/guard.ts');
  const rows = benchGuard({
    root: join(scratch, 'installed'),
    runs: Math.max(runs, 31),
    install(env) {
      const options = {
        hookBundle: join(dist, 'hook.js'),
        version: '0.0.0',
        nodePath: process.execPath,
      };
      installLauncher({ ...options, env });
      return hookCommand('claude', 'PreToolUse', env);
    },
    prepare(folder) {
      const first = join(scratch, 'prepared');
      if (!existsSync(first)) {
        const made = spawnSync(process.execPath, [script, 'prepare', first, String(count)]);
        if (made.status !== 0) throw new Error(String(made.stderr));
      }
      copyPrepared(first, folder);
    },
  });
  const SIDES = {
    again: ['no rules, against itself', ''],
    guarded: ['200 rules', 'aim ≤ 5 ms'],
    cost: ['200 rules, some on the cost', ''],
  };
  for (const { name, side, plain, guarded, more, moreCpu } of rows) {
    const [what, aim] = SIDES[side];
    row(
      `${name}, ${what}`,
      `${plain.toFixed(1)} → ${guarded.toFixed(1)} ms`,
      `+${more.toFixed(1)} ms, CPU ${moreCpu.toFixed(1)} ms${aim && `; ${name === 'an edit' ? aim : 'aim ≤ 12 ms'}`}`,
    );
  }
}

async function command() {
  console.log(
    '\nCommand: what both hooks of a shell command cost, with a look at the files it changes',
  );
  const { installLauncher, hookCommand } = await import(await bundle('src/agents/launcher.ts'));
  for (const size of [1000, 5000]) {
    const rows = benchCommandHooks({
      files: size,
      install(env) {
        const options = {
          hookBundle: join(dist, 'hook.js'),
          version: '0.0.0',
          nodePath: process.execPath,
        };
        installLauncher({ ...options, env });
        return {
          PreToolUse: hookCommand('claude', 'PreToolUse', env),
          PostToolUse: hookCommand('claude', 'PostToolUse', env),
        };
      },
    });
    for (const { name, ms, ratio, more } of rows) {
      const aim = name.startsWith('a repository') ? `+${more.toFixed(1)} ms, aim ≤ 20 ms` : '';
      row(name, `${ms.toFixed(1)} ms  ${ratio.toFixed(2)} ×`, aim);
    }
  }
}

async function decision() {
  const count = Number(values.events);
  console.log(
    `\nGuard: a call recorded and decided on by 200 rules, in a session of ${count.toLocaleString('en')} events, nothing warm`,
  );
  const script = await bundle('test/bench/guard.ts');
  const folder = join(scratch, 'guard');
  const start = (mode, run = 0) => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [script, mode, folder, String(count), String(run)],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const { ms, bytes } = start('prepare');
  row('folding it all, once', `${ms.toFixed(0)} ms`);
  row('its state', `${(bytes / 1024).toFixed(1)} KB`, 'aim ≤ 64 KB');
  const rounds = Array.from({ length: Math.max(runs, 15) }, (_, run) => ({
    record: start('record', run),
    file: start('file', run),
    shell: start('shell', run),
  }));
  const of = (side) => median(rounds.map((round) => round[side].ms));
  row('recorded only', `${of('record').toFixed(1)} ms`);
  for (const [side, aim] of [
    ['file', 5],
    ['shell', 12],
  ]) {
    const more = median(rounds.map((round) => round[side].ms - round.record.ms));
    const ratio = median(rounds.map((round) => round[side].ms / round.record.ms));
    row(
      side === 'file' ? 'an edit, decided on' : 'a shell command, decided on',
      `${of(side).toFixed(1)} ms  ${ratio.toFixed(1)} ×`,
      `+${more.toFixed(1)} ms, aim ≤ ${aim} ms`,
    );
  }
}

async function brake() {
  if (process.platform !== 'linux') return;
  console.log(
    '\nBrake: from the call of Pause until everything is stopped (agent, 12 children, 1 stray)',
  );
  const script = await bundle('test/bench/brake.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const { tree, one } = JSON.parse(stdout);
  const both = (list) => `${median(list).toFixed(1)} / ${quantile(list, 0.95).toFixed(1)} ms`;
  row('kill -STOP of one process (p50 / p95)', both(one));
  row('Pause (p50 / p95)', both(tree), 'aim ≤ 100 ms');
}

async function ingest() {
  const count = Number(values.events);
  console.log(
    `\nIngest: a trace of ${count.toLocaleString('en')} events against a bare JSON.parse loop`,
  );
  const script = await bundle('test/bench/ingest.ts');
  const path = join(scratch, 'events.ndjson');
  const start = (mode) => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [script, mode, path, String(count)],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  start('generate');
  row('size of the trace', `${(statSync(path).size / 1e6).toFixed(0)} MB`);
  const pairs = Array.from({ length: runs }, () => ({
    parse: JSON.parse(start('parse')),
    fold: JSON.parse(start('fold')),
  }));
  const of = (side, key) => median(pairs.map((pair) => pair[side][key]));
  row(
    'JSON.parse loop',
    `${of('parse', 'ms').toFixed(0)} ms  ${of('parse', 'megabytes').toFixed(0)} MB`,
  );
  row(
    'read, fold and price',
    `${of('fold', 'ms').toFixed(0)} ms  ${of('fold', 'megabytes').toFixed(0)} MB`,
    'aim ≤ 300 MB',
  );
  row(
    'ratio',
    `${median(pairs.map(({ parse, fold }) => fold.ms / parse.ms)).toFixed(2)} ×`,
    'aim ≤ 1.5 ×',
  );
}

async function analyses() {
  const count = Number(values.events);
  console.log(
    `\nAnalyses of a session of ${count.toLocaleString('en')} events, against reading it once`,
  );
  const script = await bundle('test/bench/analyses.ts');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [script, join(scratch, 'analyses'), String(count), String(runs)],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const { reading, steps, phases, megabytes, results } = JSON.parse(stdout);
  // The processor's time: what else the machine does hardly changes it.
  row('read, fold and price', `${reading.cpuMs.toFixed(0)} ms CPU`, `${reading.ms.toFixed(0)} ms`);
  row('steps, phases', `${steps.toLocaleString('en')}, ${phases}`);
  for (const { name, took, longest } of results) {
    const cpuMs = median(took.map((one) => one.cpuMs));
    const aim = AIMS[name] ? `, aim ≤ ${AIMS[name]} ms a million` : '';
    const slice = longest.length > 0 ? `, in one go ${median(longest).toFixed(1)} ms` : '';
    const ratio = (cpuMs / reading.cpuMs).toFixed(3);
    row(name, `${cpuMs.toFixed(1)} ms CPU`, `${ratio} ×${slice}${aim}`);
  }
  row('memory, all of it done', `${megabytes.toFixed(0)} MB`);
}

/** ms CPU for a million events. */
const AIMS = {
  phases: 150,
  'cache breaks': 150,
  waste: 150,
  'cost breakdown': 150,
  'context course': 150,
  'cost (phases, waste, breakdown)': 500,
};

function replay() {
  const count = Number(values.events);
  console.log(
    `\nReplay page, the editor's side, of a session of ${count.toLocaleString('en')} events: CPU time in one go`,
  );
  const trace = join(scratch, 'replay.ndjson');
  const run = (script, ...more) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...more], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  run(join(root, 'test/bench/ingest.ts'), 'generate', trace, String(count));
  // As it is: bundled, nobody could tell which part of it had a turn.
  const script = join(root, 'test/bench/replayHost.ts');
  const { opening, growing } = JSON.parse(run(script, scratch, trace, '30'));
  for (const { what, ms, turns, allMs } of opening.slice(0, 5)) {
    row(what.slice(0, 44), `${ms.toFixed(1)} ms`, `${allMs.toFixed(0)} ms in ${turns} turns`);
  }
  row('two events twice a second', `${(growing.share * 100).toFixed(1)} % of a core`, 'aim ≤ 5 %');
}

function sizes() {
  console.log('\nSizes');
  for (const name of readdirSync(dist, { recursive: true })) {
    const path = join(dist, String(name));
    if (/\.(js|css|vsix)$/.test(String(name)) && statSync(path).isFile()) {
      row(String(name), `${(statSync(path).size / 1024).toFixed(1)} KB`);
    }
  }
}

async function host() {
  const script = join(root, 'test/bench/host.mjs');
  if (!existsSync(script)) return;
  console.log('\nIn a real VS Code');
  const { benchHost } = await import(script);
  for (const { what, value, aim } of await benchHost()) row(what, value, aim);
}

async function marks() {
  console.log(
    '\nMarks: a keystroke with 200 open editors and 5,000 touched files, in a real VS Code',
  );
  const { benchMarks } = await import('./marks.mjs');
  for (const { what, value, aim } of await benchMarks()) row(what, value, aim);
}

async function timeline() {
  const total = Number(values.events);
  console.log(
    `\nTimeline: the replay page with ${total.toLocaleString('en')} steps, in Chromium without a GPU (frames: p50 / p95)`,
  );
  const { benchTimeline } = await import('./timeline.ts');
  for (const { what, value, aim } of await benchTimeline(total)) row(what, value, aim);
}

try {
  const packaged = spawnSync('npm', ['run', 'package', '--silent'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (packaged.status !== 0)
    throw new Error(`npm run package failed:\n${packaged.stdout}${packaged.stderr}`);
  const cpus = require('node:os').cpus();
  console.log(`${cpus.length} × ${cpus[0]?.model ?? 'CPU'}, Node ${process.version}; medians`);
  if (wanted('hook')) await hook();
  if (wanted('guard')) await guard();
  if (wanted('guard')) await decision();
  if (wanted('command')) await command();
  if (wanted('brake')) await brake();
  if (wanted('ingest')) await ingest();
  if (wanted('analyses')) await analyses();
  if (wanted('replay')) replay();
  if (wanted('sizes')) sizes();
  if (wanted('host')) await host();
  if (wanted('marks')) await marks();
  if (wanted('timeline')) await timeline();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

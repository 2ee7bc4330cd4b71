import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installLauncher, isOlder, launcherPath, readLauncher, renewLauncher } from './launcher.ts';

let root: string;
let bundle: string;
const env = () => ({ AGENT_STRACE_HOME: join(root, 'state') });
const lib = () => join(root, 'state', 'lib');
const install = (version: string, more: { nodePath?: string; electronPath?: string } = {}) => ({
  hookBundle: bundle,
  version,
  env: env(),
  ...more,
});
const version = () => fs.readFileSync(join(lib(), 'version'), 'utf8').trim();
const recorders = () => fs.readdirSync(lib()).filter((name) => /^recorder-\w+\.js$/.test(name));

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'launcher-'));
  bundle = join(root, 'hook.js');
  fs.writeFileSync(bundle, '// old\n');
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

describe('installLauncher', () => {
  it('keeps the Node and the editor that an earlier set-up knew', () => {
    const nodePath = "/opt/it's here/node";
    installLauncher(install('1.0.0', { electronPath: '/opt/code' }));
    installLauncher(install('1.0.0', { nodePath }));
    expect(readLauncher(env())).toEqual({ nodePath, electronPath: '/opt/code' });
    installLauncher(install('1.0.0', { electronPath: '/opt/code 2' }));
    expect(readLauncher(env())).toEqual({ nodePath, electronPath: '/opt/code 2' });
  });

  it('knows nothing of a launcher that is not there', () => {
    expect(readLauncher(env())).toEqual({});
  });
});

describe('renewLauncher', () => {
  it('sets nothing up that was not', async () => {
    expect(await renewLauncher(install('1.0.0'))).toBe(false);
    expect(fs.existsSync(join(root, 'state'))).toBe(false);
  });

  it('renews an older one with its code cache, and keeps what it knew', async () => {
    installLauncher(install('1.0.0', { nodePath: process.execPath }));
    const [before] = recorders();
    fs.writeFileSync(bundle, '// new\n');
    expect(await renewLauncher(install('1.1.0', { electronPath: '/opt/code' }))).toBe(true);
    expect(version()).toBe('1.1.0');
    expect(recorders()).toHaveLength(1);
    expect(recorders()).not.toContain(before);
    expect(readLauncher(env())).toEqual({ nodePath: process.execPath, electronPath: '/opt/code' });
    expect(fs.readdirSync(lib()).filter((name) => name.endsWith('.cache'))).toHaveLength(1);
    expect(fs.readdirSync(lib()).filter((name) => name.startsWith('warm-'))).toEqual([]);
    expect(await renewLauncher(install('1.1.0'))).toBe(false);
  });

  it('renews one of its own version that is another, or not whole', async () => {
    installLauncher(install('1.0.0'));
    fs.writeFileSync(bundle, '// rebuilt\n');
    expect(await renewLauncher(install('1.0.0'))).toBe(true);
    fs.rmSync(join(lib(), recorders()[0]!));
    expect(await renewLauncher(install('1.0.0'))).toBe(true);
    fs.rmSync(launcherPath(env()));
    expect(await renewLauncher(install('1.0.0'))).toBe(true);
    expect(await renewLauncher(install('1.0.0'))).toBe(false);
  });

  it('leaves a newer one alone', async () => {
    installLauncher(install('1.10.0'));
    fs.writeFileSync(bundle, '// another\n');
    expect(await renewLauncher(install('1.9.9'))).toBe(false);
    expect(version()).toBe('1.10.0');
  });
});

describe('the code cache', () => {
  const run = (): string =>
    spawnSync(process.execPath, [join(lib(), 'hook.js')], { encoding: 'utf8' }).stdout;
  const caches = (): string[] => fs.readdirSync(lib()).filter((name) => name.includes('.cache'));
  const partSays = (word: string): void => {
    fs.writeFileSync(join(root, 'guard.js'), `exports.say = () => ${JSON.stringify(word)};\n`);
  };

  beforeEach(() => {
    const text = "process.stdout.write(require(__dirname + '/guard.js').say());\n";
    fs.writeFileSync(bundle, text);
    partSays('one');
    installLauncher(install('1.0.0', { nodePath: process.execPath }));
  });

  it('is one of the recorder and one of each part that decides', () => {
    expect(caches().map((name) => name.replace(/-\w{12}\b/, ''))).toEqual([
      'part-guard.cache',
      'recorder.cache',
    ]);
    expect(run()).toBe('one');
  });

  it('is passed over where it is broken, of another program, or gone', () => {
    const [part, recorder] = caches();
    fs.copyFileSync(join(lib(), recorder!), join(lib(), part!));
    expect(run()).toBe('one');
    for (const name of caches()) fs.writeFileSync(join(lib(), name), 'no cache');
    expect(run()).toBe('one');
    for (const name of caches()) fs.rmSync(join(lib(), name));
    expect(run()).toBe('one');
  });

  it('is of what the part says now', () => {
    const before = caches();
    // As long as the one before: V8 tells sources apart by their length alone.
    partSays('two');
    installLauncher(install('1.0.1'));
    expect(run()).toBe('two');
    expect(caches()).toHaveLength(2);
    expect(caches()).not.toEqual(before);
  });
});

it('orders versions', () => {
  for (const [a, b] of [
    ['1.9.0', '1.10.0'],
    ['0.9.9', '1.0.0'],
    ['1.0.0-beta.1', '1.0.0'],
    ['', '0.0.1'],
  ] as const) {
    expect(isOlder(a, b), `${a} < ${b}`).toBe(true);
    expect(isOlder(b, a), `${b} < ${a}`).toBe(false);
  }
  expect(isOlder('1.2.3', '1.2.3')).toBe(false);
});

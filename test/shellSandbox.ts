/**
 * Tries out the disguises of fixtures/shell with a real bash: does each of them do what its section
 * says? `node test/shellSandbox.ts [file]`, on Linux, as root: every command runs as nobody, in a folder
 * of its own, with a home of its own and with stand-ins for the programs that reach other machines.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aimed, type Disguise, disguises } from './shellCorpus.ts';

const NOBODY = 65534;
const SECRET = 'KEY MATERIAL';
const STUBS =
  'git hub curl wget nc ssh scp rsync ping dig host nslookup telnet sftp sudo npm npx docker pip';

if (process.getuid?.() !== 0) {
  console.error('Only as root: the commands run as nobody, so that a mistake destroys nothing.');
  process.exit(2);
}

function furnish(root: string): void {
  const project = join(root, 'home/project');
  for (const folder of ['home/project/src', 'home/.ssh', 'srv/data/sub', 'bin'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'srv/data/file'), 'x\n');
  writeFileSync(join(root, 'home/.ssh/id_rsa'), `${SECRET}\n`);
  writeFileSync(join(root, 'log'), '');
  writeFileSync(join(project, 'README.md'), 'hello readme\n');
  writeFileSync(join(project, '.env.production'), 'SECRET=1\n');
  writeFileSync(join(project, 'src/.env.production'), 'OTHER=1\n');
  spawnSync('tar', ['cf', '../a.tar', '.env.production'], { cwd: join(project, 'src') });
  for (const name of STUBS.split(' ')) {
    const file = join(root, 'bin', name);
    writeFileSync(
      file,
      `#!/bin/sh\necho "${name} $*" >> "${root}/log"\n[ "$1" = branch ] && echo main\nexit 0\n`,
    );
    chmodSync(file, 0o755);
  }
  spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, root]);
}

function textsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

function happened(act: Disguise['act'], root: string, output: string): boolean {
  const log = readFileSync(join(root, 'log'), 'utf8');
  const env = join(root, 'home/project/.env.production');
  switch (act) {
    case 'rm':
      return !existsSync(join(root, 'srv/data/file'));
    case 'write':
      return (
        !existsSync(env) ||
        (statSync(env).mode & 0o777) === 0 ||
        readFileSync(env, 'utf8') !== 'SECRET=1\n'
      );
    case 'push':
      return /^(git|hub) .*push.*( -\w*f| --f|\+|--mirror|--delete| :)|^(git|hub) .*(-f|--force).*push/m.test(
        log,
      );
    case 'key':
      return `${output}${textsBelow(join(root, 'home/project'))}${log}`.includes(SECRET);
    case 'host':
      return /evil\.example|ENOTFOUND|name resolution|not known/i.test(`${output}${log}`);
  }
}

function works({ act, command }: Disguise): boolean {
  const root = mkdtempSync(join(tmpdir(), 'disguise-'));
  try {
    chmodSync(root, 0o755);
    furnish(root);
    const run = spawnSync('bash', ['-c', aimed(command, join(root, 'srv/data'))], {
      cwd: join(root, 'home/project'),
      env: {
        HOME: join(root, 'home'),
        PATH: `${join(root, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
      },
      uid: NOBODY,
      gid: NOBODY,
      timeout: 5000,
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return happened(act, root, `${run.stdout}${run.stderr}`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const all = disguises(process.argv[2] ?? 'disguises.txt');
const tried = all.filter((disguise) => !disguise.notRun);
const failed = tried.filter((disguise) => !works(disguise));
for (const { act, command } of failed) console.log(`${act}: ${command.replaceAll('\n', '⏎')}`);
console.log(
  `${tried.length - failed.length} of ${tried.length} tried out did it; ${all.length - tried.length} were not run`,
);

// Fetches the pinned ccusage that costOracle.test.ts compares with. Needs the network once.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const dir = join(homedir(), '.cache', 'agent-strace', 'ccusage');
mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, 'package.json'), '{"private":true}\n');
// The launcher of 20.0.26 names binaries of its own version, which were not published.
const packages = [
  'ccusage@20.0.26',
  `@ccusage/ccusage-${process.platform}-${process.arch}@20.0.24`,
];
const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', ...packages], {
  cwd: dir,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exit(status ?? 1);

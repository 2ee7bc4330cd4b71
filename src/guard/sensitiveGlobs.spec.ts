import { expect, it } from 'vitest';
import { isSensitivePath } from '../redact/sensitivePath.ts';
import { meets, pathGlobs } from './decision/pathGlob.ts';
import { groupGlob, SENSITIVE } from './sensitiveGlobs.ts';

const globs = SENSITIVE.flatMap((group) =>
  pathGlobs(groupGlob(group, group.names)!, { root: '/p', home: '/h' }),
);
const denied = (path: string): boolean =>
  globs.some(
    (glob) =>
      meets({ path, access: 'read', deep: false, how: 'cat' }, glob, { project: '/p' }) !== 'no',
  );

it('are sensitive by the rule that redaction has, one and all', () => {
  for (const group of SENSITIVE) {
    for (const name of group.names) {
      const path = `/p/${group.before}${name}${group.after}`
        .replaceAll('**/', 'x/')
        .replaceAll('**', 'x')
        .replaceAll('*', '');
      expect([path, isSensitivePath(path)]).toEqual([path, true]);
      expect(denied(path)).toBe(true);
    }
  }
});

it('hold the files that hold secrets', () => {
  for (const name of [
    ...['.env', '.env.production', 'prod.env', '.npmrc', '.netrc', 'id_rsa', 'id_ed25519.pub'],
    ...['server.pem', 'tls.key', 'credentials', 'credentials.json', 'gcp-credentials.json'],
    ...['secrets.yaml', 'app-secrets.yml', 'service-account.json', 'client_secret_1.json'],
    ...['terraform.tfstate', 'prod.tfvars', '.ssh/config', '.aws/credentials', '.git/config'],
  ]) {
    expect([name, isSensitivePath(`/p/a/${name}`), denied(`/p/a/${name}`)]).toEqual([
      name,
      true,
      true,
    ]);
  }
});

it('are not about code, nor about all files of a kind', () => {
  for (const path of ['/p/src/secrets.go', '/p/a.json', '/p/src/*.go', '/p/src/*.ts', '/p/key.ts'])
    expect([path, denied(path)]).toEqual([path, false]);
});

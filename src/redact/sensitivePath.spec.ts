import { expect, it } from 'vitest';
import { isSensitivePath } from './sensitivePath.ts';

it.each([
  '/p/.env',
  '/p/.env.local',
  'config/prod.env',
  '/p/.npmrc',
  '/home/u/.netrc',
  'certs/server.pem',
  'certs/SERVER.KEY',
  '/home/u/.ssh/config',
  'id_rsa',
  'deploy/id_ed25519.pub',
  '/home/u/.aws/config',
  '/home/u/.kube/config',
  'kubeconfig',
  'credentials.json',
  'config/credentials.yml.enc',
  'app-secrets.yaml',
  'secrets/anything.txt',
  'terraform.tfstate',
  'C:\\Users\\u\\.ssh\\known_hosts',
  '.git/config',
  '/home/u/.agent-strace/sessions/x.json',
])('%s is sensitive', (path) => expect(isSensitivePath(path)).toBe(true));

it.each([
  'src/environment.ts',
  'src/secretRules.ts',
  'src/keys.ts',
  'src/env.ts',
  'docs/credentials-guide.md',
  'monkey.ts',
  'README.md',
  'src/ssh/client.ts',
  'package.json',
])('%s is not', (path) => expect(isSensitivePath(path)).toBe(false));

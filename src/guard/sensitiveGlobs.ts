/** Files that hold secrets by their purpose, as globs: for policies. What they are is said in `redact/sensitivePath.ts`. */

/** Several names as one glob. */
export interface SensitiveGroup {
  before: string;
  names: readonly string[];
  after: string;
}

const DATA = ['json', 'yaml', 'yml', 'toml', 'ini', 'cfg', 'conf', 'txt', 'xml', 'properties'];

/**
 * None ends with a star over anything: `credentials.*` would also be about each `*.go` that a command is given. Source code of such
 * a name is code.
 */
export const SENSITIVE: readonly SensitiveGroup[] = [
  { before: '', names: ['.env', '.env.*', '*.env'], after: '' },
  {
    before: '',
    names: [
      ...['.npmrc', '.netrc', '_netrc', '.pypirc', '.git-credentials', '.pgpass', '.htpasswd'],
      ...['.my.cnf', '.dockercfg', '.boto', '.s3cfg'],
    ],
    after: '',
  },
  { before: 'id_', names: ['rsa', 'dsa', 'ecdsa', 'ed25519'], after: '' },
  { before: 'id_', names: ['rsa', 'dsa', 'ecdsa', 'ed25519'], after: '.pub' },
  {
    before: '*.',
    names: [
      ...['pem', 'key', 'p12', 'pfx', 'p8', 'jks', 'keystore', 'kdbx', 'ppk', 'asc', 'gpg', 'age'],
      ...['ovpn', 'mobileprovision', 'tfstate', 'tfstate.backup', 'tfvars', 'tfvars.json'],
    ],
    after: '',
  },
  {
    before: '',
    names: ['credentials', 'secret', 'secrets', 'password', 'passwords', 'kubeconfig'],
    after: '',
  },
  ...['credentials', 'secret', 'secrets', 'service-account', 'service_account'].map((name) => ({
    before: `*${name}.`,
    names: DATA,
    after: '',
  })),
  { before: '', names: ['client_secret*.json', 'firebase-adminsdk*.json'], after: '' },
  {
    before: '**/',
    names: [
      ...['.ssh', '.aws', '.azure', '.gnupg', '.kube', '.docker', '.gcloud', 'gcloud'],
      ...['.password-store', 'secrets', '.secrets', '.agent-strace', '.agent-traces', '.git'],
    ],
    after: '/**',
  },
];

/** The names of a group that are left, as one glob; undefined: none. */
export function groupGlob(
  { before, after }: SensitiveGroup,
  names: readonly string[],
): string | undefined {
  if (names.length === 0) return undefined;
  return names.length === 1
    ? `${before}${names[0]}${after}`
    : `${before}{${names.join(',')}}${after}`;
}

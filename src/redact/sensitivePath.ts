/** Files that hold secrets by their very purpose: their content is never kept. Pure. */

/** Names of files. */
const NAMES = [
  /^\.env(\..*)?$/,
  /\.env$/,
  /^\.(npmrc|netrc|pypirc|git-credentials|pgpass|htpasswd|my\.cnf|dockercfg|boto|s3cfg)$/,
  /^_netrc$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_\w+)?(\.pub)?$/,
  /\.(pem|key|p12|pfx|p8|jks|keystore|kdbx|ppk|asc|gpg|age|ovpn|mobileprovision)$/,
  /^(credentials|secrets?|passwords?|kubeconfig|service[-_]?account)(\.[\w.-]+)?$/,
  /^(.*[._-])?(credentials|secrets?|service[-_]account)\.(json|ya?ml|toml|ini|cfg|conf|txt|xml|env|properties)$/,
  /^(client_secret|firebase-adminsdk).*\.json$/,
  /\.tfstate(\.backup)?$/,
  /\.tfvars(\.json)?$/,
];

/** Names of folders: nothing in them is kept. */
const FOLDERS = new Set([
  '.ssh',
  '.aws',
  '.azure',
  '.gnupg',
  '.kube',
  '.docker',
  '.gcloud',
  'gcloud',
  '.password-store',
  'secrets',
  '.secrets',
  '.agent-strace',
  '.agent-traces',
  '.git',
]);

/** Whether a file, by its path, is one whose content must never be copied anywhere. */
export function isSensitivePath(path: string): boolean {
  const parts = path.toLowerCase().split(/[/\\]+/);
  const name = parts.pop() ?? '';
  return parts.some((part) => FOLDERS.has(part)) || NAMES.some((pattern) => pattern.test(name));
}

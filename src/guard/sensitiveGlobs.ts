/** Files that hold secrets by their purpose, as globs: for policies. What they are is said in `redact/sensitivePath.ts`. */

/** Names, in any folder. */
export const SENSITIVE_NAMES: readonly string[] = [
  ...['.env', '.env.*', '*.env'],
  ...[
    '.npmrc',
    '.netrc',
    '_netrc',
    '.pypirc',
    '.git-credentials',
    '.pgpass',
    '.htpasswd',
    '.my.cnf',
  ],
  ...['.dockercfg', '.boto', '.s3cfg'],
  ...['id_rsa*', 'id_dsa*', 'id_ecdsa*', 'id_ed25519*'],
  ...['*.pem', '*.key', '*.p12', '*.pfx', '*.p8', '*.jks', '*.keystore', '*.kdbx', '*.ppk'],
  ...['*.asc', '*.gpg', '*.age', '*.ovpn', '*.mobileprovision'],
  ...['credentials', 'credentials.*', 'secret', 'secret.*', 'secrets', 'secrets.*'],
  ...['password', 'password.*', 'passwords', 'passwords.*', 'kubeconfig', 'kubeconfig.*'],
  '{service-account,service_account,serviceaccount}',
  '{service-account,service_account,serviceaccount}.*',
  '*{credentials,secret,secrets,service-account,service_account}.{json,yaml,yml,toml,ini,cfg,conf,txt,xml,env,properties}',
  ...['client_secret*.json', 'firebase-adminsdk*.json'],
  ...['*.tfstate', '*.tfstate.backup', '*.tfvars', '*.tfvars.json'],
];

/** Folders, anywhere. */
export const SENSITIVE_FOLDERS: readonly string[] = [
  ...['.ssh', '.aws', '.azure', '.gnupg', '.kube', '.docker', '.gcloud', 'gcloud'],
  ...['.password-store', 'secrets', '.secrets', '.agent-strace', '.agent-traces', '.git'],
].map((name) => `**/${name}/**`);

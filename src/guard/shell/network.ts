/** Programs that talk to other machines, and package managers, which do as well. */
import { type Call, type Effect, inFolders, prints, type Sink } from './call.ts';
import { hostOf, urlHost } from './hosts.ts';
import { Options } from './options.ts';
import { baseName } from './paths.ts';
import { isUnknown, type Pattern, UNKNOWN } from './pattern.ts';
import type { Output } from './state.ts';
import { foldersOf, packageRunner } from './wrappers.ts';

const CURL_VALUED =
  'A b c C d D e E F h H K m o P Q r s t T u U w x X y Y z data data-raw data-binary data-urlencode form header ' +
  'output upload-file url user user-agent request config cookie cookie-jar proxy max-time connect-timeout retry ' +
  'retry-delay cacert cert key resolve connect-to write-out range referer dump-header output-dir json form-string ' +
  'limit-rate max-redirs interface unix-socket trace trace-ascii stderr netrc-file etag-save etag-compare proto socks5 preproxy';

function curl(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, CURL_VALUED.replace(' s ', ' ').replace(' h ', ' '));
  const urls = [...options.operands, ...options.values('url')];
  for (const url of urls) {
    if (/^file:/i.test(url)) sink.read(call, url.replace(/^file:(\/\/[^/]*)?/i, ''), 'curl');
    else for (const one of url.match(/^\\?\{/) ? [UNKNOWN] : [url]) sink.host(urlHost(one), 'curl');
  }
  for (const to of options.values('x', 'proxy', 'preproxy', 'socks5', 'connect-to'))
    sink.host(urlHost(to.replace(/^[^:]*:[^:]*:(?=[^/])/, '')), 'curl');
  for (const path of options.values(
    'o',
    'output',
    'D',
    'dump-header',
    'c',
    'cookie-jar',
    'trace',
    'trace-ascii',
    'stderr',
    'etag-save',
  ))
    if (path !== '-') sink.write(call, path, 'curl -o');
  if (options.has('O', 'remote-name', 'remote-name-all', 'J')) {
    const folder = options.values('output-dir')[0] ?? '.';
    for (const url of urls)
      sink.write(call, `${folder}/${baseName(url.replace(/[?#].*$/, '')) || '*'}`, 'curl -O');
  }
  for (const path of options.values(
    'T',
    'upload-file',
    'K',
    'config',
    'netrc-file',
    'E',
    'cert',
    'key',
    'cacert',
  ))
    sink.read(call, path, 'curl');
  if (options.values('K', 'config').length) sink.host(undefined, 'curl');
  for (const data of options.values(
    'd',
    'data',
    'data-binary',
    'data-urlencode',
    'F',
    'form',
    'json',
    'H',
    'header',
    'b',
    'cookie',
    'w',
    'write-out',
  )) {
    const file = /(?:^|=|^[\w.-]+)[@<]([^;,]+)/.exec(data)?.[1];
    if (file !== undefined && file !== '-') sink.read(call, file, 'curl');
  }
}

function wget(call: Call, sink: Sink): undefined {
  const options = new Options(
    call.args,
    'O P o a i e t T U w Q l A R D output-document directory-prefix output-file append-output input-file execute ' +
      'header user-agent post-data post-file body-file body-data method timeout tries user password ' +
      'use-askpass load-cookies save-cookies base ca-certificate certificate private-key',
  );
  for (const url of options.operands) sink.host(urlHost(url), 'wget');
  for (const text of options.values('use-askpass')) sink.script(text, call, 'wget');
  for (const path of options.values(
    'post-file',
    'body-file',
    'input-file',
    'i',
    'load-cookies',
    'private-key',
    'certificate',
  ))
    sink.read(call, path, 'wget');
  if (options.values('input-file', 'i').length) sink.host(undefined, 'wget');
  for (const path of options.values(
    'O',
    'output-document',
    'o',
    'a',
    'output-file',
    'append-output',
    'save-cookies',
  ))
    if (path !== '-') sink.write(call, path, 'wget -O');
  for (const text of options.values('e', 'execute'))
    sink.opaque('hidden', 'environment', `wget -e ${text}`);
  if (!options.values('O', 'output-document').length && !options.has('spider')) {
    const folder = options.values('P', 'directory-prefix')[0] ?? '.';
    for (const url of options.operands)
      sink.write(
        call,
        `${folder}/${options.has('r', 'm', 'recursive', 'mirror') ? '**' : baseName(url.replace(/[?#].*$/, '')) || '*'}`,
        'wget',
      );
  }
}

/** HTTPie and its kin. */
function http(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'a o s p auth output session print verify timeout proxy');
  const words = options.operands.filter(
    (word) => !/^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(word),
  );
  if (words[0] !== undefined)
    sink.host(words[0].startsWith(':') ? 'localhost' : urlHost(words[0]), call.name);
  for (const word of words.slice(1)) {
    const file = /@(.+)$/.exec(word)?.[1];
    if (file !== undefined) sink.read(call, file, call.name);
  }
  for (const path of options.values('o', 'output')) sink.write(call, path, call.name);
}

const SSH_VALUED = 'b B c D e E F I i J l L m O o p Q R S w W P';

function ssh(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, SSH_VALUED, true);
  sshOptions(options, call, sink);
  const [target] = options.operands;
  if (target !== undefined) sink.host(hostOf(target) ?? target.replace(/^.*@/, ''), call.name);
  for (const jump of options.values('J'))
    sink.host(jump.replace(/^.*@/, '').replace(/:\d+$/, ''), call.name);
  return undefined;
}

function sshOptions(options: Options, call: Call, sink: Sink): void {
  for (const text of options.values('o')) {
    const match = /^(\w+)[=\s]+([\s\S]*)$/.exec(text);
    if (
      /^(proxycommand|localcommand|knownhostscommand|remotecommand)$/i.test(match?.[1] ?? text) ||
      isUnknown(text)
    )
      sink.script(match?.[2] ?? UNKNOWN, call, 'ssh -o');
    if (/^(hostname|proxyjump)$/i.test(match?.[1] ?? ''))
      sink.host(match![2]!.replace(/^.*@/, ''), call.name);
    if (/^(include|pkcs11provider|securitykeyprovider)$/i.test(match?.[1] ?? ''))
      sink.opaque('hidden', 'loadedCode', text);
  }
  for (const file of options.values('i')) sink.read(call, file, `${call.name} -i`);
  for (const file of options.values('F')) {
    sink.read(call, file, call.name);
    sink.host(undefined, call.name);
  }
  for (const file of options.values('E')) sink.write(call, file, call.name);
}

function scp(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'c D F i J l o P S X');
  sshOptions(options, call, sink);
  for (const text of options.values('S')) sink.script(text, call, 'scp');
  transfer(options.operands, call, sink, 'scp', options.has('r'));
}

function transfer(
  operands: readonly Pattern[],
  call: Call,
  sink: Sink,
  how: string,
  deep: boolean,
): void {
  operands.forEach((path, index) => {
    const host = hostOf(path);
    if (host !== undefined) sink.host(host, how);
    else if (index < operands.length - 1) sink.read(call, path, how, { deep });
    else {
      const from = operands.slice(0, -1).map((source) => baseName(source.replace(/^[^/]*:/, '')));
      if (!path.endsWith('/')) sink.write(call, path, how, { deep });
      for (const name of from) sink.write(call, `${path}/${name || '**'}`, how, { deep });
    }
  });
}

function rsync(call: Call, sink: Sink): undefined {
  const options = new Options(
    call.args,
    'e f T B M rsh rsync-path exclude include exclude-from include-from files-from filter log-file backup-dir suffix ' +
      'temp-dir partial-dir compare-dest copy-dest link-dest password-file bwlimit max-size min-size port timeout chmod chown out-format',
  );
  for (const text of options.values('e', 'rsh')) sink.script(text, call, 'rsync');
  for (const path of options.values('files-from', 'password-file', 'exclude-from', 'include-from'))
    sink.read(call, path, 'rsync');
  for (const path of options.values('log-file', 'backup-dir')) sink.write(call, path, 'rsync');
  if (options.has('n', 'dry-run')) return;
  const { operands } = options;
  const last = operands.at(-1);
  const removes = options.has(
    'delete',
    'delete-before',
    'delete-after',
    'delete-during',
    'delete-excluded',
    'del',
  );
  if (last !== undefined && operands.length > 1 && hostOf(last) === undefined)
    sink.write(
      call,
      operands.some((path) => path.endsWith('/')) ? `${last}/**` : last,
      removes ? 'rsync --delete' : 'rsync',
      { deep: true },
    );
  transfer(operands, call, sink, 'rsync', true);
  if (options.has('remove-source-files'))
    for (const path of operands.slice(0, -1)) sink.write(call, path, 'rsync', { deep: true });
}

function netcat(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'e c p s w q i x X I O T m G g o sh-exec exec source');
  for (const text of options.values('e', 'c', 'sh-exec', 'exec')) {
    sink.script(text, call, call.name);
    sink.opaque('hidden', 'pipedToShell', call.words.join(' '));
  }
  const [host] = options.operands;
  sink.host(options.has('l') ? 'localhost' : host, call.name);
}

/** The first operand is a machine. */
const toHost: Effect = (call, sink) => {
  const { operands } = new Options(call.args, 'p c s t w i n u r d timeout port');
  const host = operands.find((word) => !word.startsWith('+') && !/^\d+$/.test(word));
  if (host !== undefined) sink.host(hostOf(host) ?? host.replace(/^.*@/, ''), call.name);
  return undefined;
};

function dig(call: Call, sink: Sink): undefined {
  for (const word of call.args)
    if (!word.startsWith('-') && !word.startsWith('+'))
      sink.host(word.replace(/^@/, ''), call.name);
}

function openssl(call: Call, sink: Sink): undefined {
  const options = new Options(
    call.args.slice(1),
    'in out key keyout connect cert CAfile host inkey passin passout pass days subj config engine sign newkey',
  );
  for (const path of options.values('in', 'key', 'cert', 'inkey', 'sign'))
    sink.read(call, path, 'openssl');
  for (const path of options.values('out', 'keyout')) sink.write(call, path, 'openssl -out');
  for (const to of options.values('connect', 'host')) sink.host(to.replace(/:\d+$/, ''), 'openssl');
  if (options.values('engine', 'config').length)
    sink.opaque('hidden', 'loadedCode', call.words.join(' '));
  for (const path of options.operands) if (!isUnknown(path)) sink.use(call, path, 'openssl');
}

/** Scripts of the project's package.json. */
function nodePackages(given: Call, sink: Sink): Output | undefined {
  let call = given;
  const { name } = call;
  const options = new Options(
    call.args,
    'C prefix dir filter F w workspace cwd registry loglevel userconfig script-shell',
    true,
  );
  for (const shell of options.values('script-shell'))
    sink.opaque('hidden', 'environment', `script-shell=${shell}`);
  const folders = options.values('C', 'prefix', 'dir', 'cwd');
  if (folders.length)
    call = inFolders(
      call,
      folders.flatMap((folder) => foldersOf(call, folder)),
    );
  const at = options.operands;
  const [command = 'install', ...rest] = at;
  const text = call.words.join(' ');
  const network = (): void => sink.host('registry.npmjs.org', `${name} ${command}`);
  switch (command) {
    case 'exec':
    case 'x':
    case 'dlx':
      if (command !== 'exec' || name === 'npm') network();
      return packageRunner({ ...call, args: rest }, sink);
    case 'create':
    case 'init':
      network();
      sink.opaque('file', 'task', text);
      return undefined;
    case 'install':
    case 'i':
    case 'ci':
    case 'add':
    case 'update':
    case 'up':
    case 'upgrade':
    case 'remove':
    case 'uninstall':
    case 'rm':
    case 'un':
    case 'dedupe':
    case 'link':
      network();
      for (const path of [
        'package.json',
        'package-lock.json',
        'node_modules/**',
        'yarn.lock',
        'pnpm-lock.yaml',
        'bun.lock',
      ])
        sink.write(call, path, `${name} ${command}`, { built: true });
      // Packages run scripts of their own when they are put in place.
      sink.opaque('file', 'task', text);
      for (const word of rest) {
        const host = /:\/\//.test(word) ? hostOf(word.replace(/^git\+/, '')) : undefined;
        if (host !== undefined) sink.host(host, `${name} ${command}`);
      }
      return undefined;
    case 'pkg':
    case 'set-script':
      if (rest[0] !== 'get') sink.write(call, 'package.json', `${name} ${command}`);
      return undefined;
    case 'config':
    case 'set':
      if (rest[0] === 'set' || command === 'set') sink.opaque('hidden', 'environment', text);
      return undefined;
    case 'publish':
    case 'view':
    case 'info':
    case 'outdated':
    case 'audit':
    case 'search':
    case 'login':
    case 'ping':
    case 'show':
      network();
      return undefined;
    case 'ls':
    case 'list':
    case 'll':
    case 'root':
    case 'bin':
    case 'prefix':
    case 'version':
    case 'why':
    case 'explain':
    case 'help':
    case 'pack':
    case 'cache':
    case 'store':
      return undefined;
    default:
      sink.runFile(call, 'package.json', 'task');
      sink.opaque('file', 'task', text);
      return undefined;
  }
}

function pip(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'r c t i e requirement constraint target index-url extra-index-url python cache-dir prefix root log trusted-host editable',
  );
  const [command] = options.operands;
  if (!/^(install|download|wheel|sync|add|lock|index|search)$/.test(command ?? ''))
    return undefined;
  const how = `${call.name} ${command}`;
  const indexes = options.values('i', 'index-url', 'extra-index-url');
  for (const url of indexes) sink.host(urlHost(url), how);
  if (!indexes.length) sink.host('pypi.org', how);
  for (const file of options.values('r', 'requirement', 'c', 'constraint'))
    sink.read(call, file, how);
  for (const path of options.values('t', 'target', 'prefix', 'root'))
    sink.write(call, path, how, { deep: true });
  for (const word of options.operands.slice(1)) {
    const host = /:\/\//.test(word) ? hostOf(word.replace(/^(.*@ *)?git\+/, '')) : undefined;
    if (host !== undefined) sink.host(host, how);
  }
  sink.opaque('file', 'task', call.words.join(' '));
  return undefined;
}

/** Downloads and installs; the machine is the manager's usual one. */
function manager(host: string, verbs: string): Effect {
  const known = new Set(verbs.split(' '));
  return (call, sink) => {
    const { operands } = new Options(call.args, 'C m manifest-path target-dir');
    const text = call.words.join(' ');
    if (operands.some((word) => known.has(word)))
      sink.host(host || undefined, call.name, 'packages');
    if (operands.length) sink.opaque('file', 'task', text);
    for (const word of call.args) {
      if (word.startsWith('-') && !word.includes('=')) continue;
      const at = word.includes('=') ? word.slice(word.indexOf('=') + 1) : word;
      if (at.includes('/') && !isUnknown(at)) sink.use(call, at, call.name);
    }
    return undefined;
  };
}

function cargoOrGo(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args.slice(1),
    'o git registry index exec toolexec vettool overlay modfile ldflags tags run coverprofile C config',
  );
  for (const path of options.values('o', 'coverprofile'))
    sink.write(call, path, call.name, { built: true });
  for (const url of options.values('git', 'registry', 'index')) sink.host(hostOf(url), call.name);
  if (call.name === 'go' && /^(get|install|run)$/.test(call.args[0] ?? ''))
    for (const word of options.operands) {
      const host = /^([\w-]+(?:\.[\w-]+)+)\//.exec(word)?.[1];
      if (host !== undefined) sink.host(host, 'go');
    }
  for (const text of options.values('exec', 'toolexec', 'vettool'))
    sink.script(text, call, call.name);
  for (const text of options.values('config'))
    sink.opaque('hidden', 'environment', `${call.name} --config ${text}`);
  return manager(
    call.name === 'go' ? 'proxy.golang.org' : 'crates.io',
    'get install download fetch add update search publish',
  )(call, sink);
}

/** `socat`: an address of each side. */
function socat(call: Call, sink: Sink): undefined {
  for (const word of call.args) {
    const [kind = '', ...rest] = word.split(':');
    if (/^(exec|system|shell)$/i.test(kind))
      sink.script(rest.join(':').replace(/,\w.*$/, ''), call, 'socat');
    else if (/^(tcp|udp|ssl|openssl|sctp|socks|proxy)/i.test(kind) && !/listen/i.test(kind))
      sink.host(rest[0], 'socat');
    else if (/^(open|create|file|gopen|pipe)$/i.test(kind)) {
      sink.read(call, rest[0]?.split(',')[0] ?? '', 'socat');
      sink.write(call, rest[0]?.split(',')[0] ?? '', 'socat');
    } else if (isUnknown(word)) sink.opaque('hidden', 'pipedToShell', call.words.join(' '));
  }
}

/** Programs that print settings for a shell to take over with `eval`. */
const settings: Effect = () => prints(':');

function make(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'f C I j l o W file makefile directory eval include-dir');
  const text = call.words.join(' ');
  const files = options.values('f', 'file', 'makefile');
  for (const code of options.values('eval')) sink.opaque('hidden', 'interpreter', code);
  for (const file of files)
    if (file === '-' || file.startsWith('/dev/')) sink.opaque('hidden', 'interpreter', text);
    else sink.runFile(call, file, 'task');
  if (
    options.operands.some(
      (word) => /^(SHELL|MAKEFLAGS|CC|CXX|LD|AR)=/.test(word) || isUnknown(word),
    )
  )
    sink.opaque('hidden', 'environment', text);
  if (!files.length)
    for (const file of ['Makefile', 'makefile', 'GNUmakefile']) sink.runFile(call, file, 'task');
  return undefined;
}

/** Runs what a file of the project says. */
const task: Effect = (call, sink) => {
  sink.opaque('file', 'task', call.words.join(' '));
  for (const word of call.args) {
    if (isUnknown(word)) continue;
    const cut = word.startsWith('-') ? word.indexOf('=') : -1;
    if (!word.startsWith('-')) sink.use(call, word, call.name);
    else if (cut > 0) sink.use(call, word.slice(cut + 1), call.name);
  }
  return undefined;
};

function aws(call: Call, sink: Sink): undefined {
  sink.host(call.name === 'aws' ? 'amazonaws.com' : undefined, call.name);
  for (const word of call.args) {
    if (isUnknown(word) || word.startsWith('-') || /^[a-z0-9]+:\/\//.test(word)) continue;
    if (word.includes('/') || word.includes('.'))
      sink.use(call, word.replace(/^file(b)?:\/\//, ''), call.name);
  }
}

function redis(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'h p a u n s r i t x user pass uri eval cacert cert key');
  const url = options.values('u', 'uri')[0];
  const host = options.values('h')[0] ?? (url === undefined ? 'localhost' : hostOf(url));
  sink.host(host, call.name);
  for (const file of options.values('eval')) sink.read(call, file, call.name);
}

function crontab(call: Call, sink: Sink): undefined {
  if (!call.args.includes('-l')) sink.opaque('hidden', 'loadedCode', call.words.join(' '));
}

const table: [string, Effect][] = [
  ['curl', curl],
  ['wget wget2', wget],
  ['http https xh httpie', http],
  ['ssh autossh mosh', ssh],
  ['scp', scp],
  ['rsync', rsync],
  ['nc ncat netcat', netcat],
  [
    'telnet ping ping6 traceroute tracepath mtr nmap ftp tftp whois ssh-copy-id ssh-keyscan sftp aria2c lynx links w3m elinks',
    toHost,
  ],
  ['redis-cli valkey-cli', redis],
  ['dig host nslookup drill', dig],
  ['openssl', openssl],
  ['npm pnpm yarn bun', nodePackages],
  ['pip pip3', pip],
  ['go cargo', cargoOrGo],
  [
    'apt apt-get dnf yum apk pacman zypper snap flatpak',
    manager('', 'update install upgrade add -S'),
  ],
  ['brew', manager('formulae.brew.sh', 'update install upgrade tap fetch')],
  ['gem', manager('rubygems.org', 'install update fetch push')],
  ['composer', manager('packagist.org', 'install update require create-project')],
  ['rustup', manager('static.rust-lang.org', 'update install toolchain')],
  ['mvn gradle', manager('repo.maven.apache.org', 'install deploy')],
  ['dotnet', manager('api.nuget.org', 'restore add publish')],
  ['make gmake', make],
  [
    'just task rake ninja cmake ctest tox nox invoke fab ansible ansible-playbook terraform tofu kubectl helm vagrant packer bazel buck2 scons meson pre-commit husky lefthook lerna nx turbo gulp grunt ant sbt lein',
    task,
  ],
  [
    'pytest py.test unittest jest vitest mocha ava tap playwright cypress eslint prettier tsc biome oxlint ruff black isort flake8 mypy pylint pyright rubocop gofmt goimports golangci-lint rustfmt clippy-driver coverage build twine webpack vite rollup esbuild next nuxt astro svelte-kit tsup parcel storybook shellcheck shfmt hadolint markdownlint commitlint swift xcodebuild javac java kotlinc',
    task,
  ],
  [
    'aws gcloud az gsutil s3cmd rclone doctl flyctl fly heroku vercel netlify wrangler firebase supabase',
    aws,
  ],
  ['crontab', crontab],
  ['socat', socat],
  ['ssh-agent starship zoxide fnm pyenv rbenv nodenv jenv thefuck dircolors opam', settings],
  ['systemctl launchctl service', task],
];

export const network: ReadonlyMap<string, Effect> = new Map(
  table.flatMap(([names, effect]) =>
    names.split(' ').map((name): [string, Effect] => [name, effect]),
  ),
);

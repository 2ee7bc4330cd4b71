/** Programs that read, write and remove files. */
import { type Call, type Effect, inFolders, prints, printsSome, type Sink } from './call.ts';
import { Options } from './options.ts';
import { patchTargets } from './patchTargets.ts';
import { baseName } from './paths.ts';
import { activated, escaped, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { Output } from './state.ts';
import { foldersOf } from './wrappers.ts';

const pass = (call: Call): Output | undefined => call.stdin && { ...call.stdin, exact: false };

function rm(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, '');
  const deep = call.name === 'rimraf' || options.has('r', 'R', 'recursive');
  for (const path of options.operands) sink.write(call, path, call.name, { deep, keepLast: true });
}

/** Every operand is written. */
function writes(valued: string, deepFlags: string[] = [], skip = 0): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued);
    const deep = deepFlags.length > 0 && options.has(...deepFlags);
    const reference = options.values('reference').length > 0;
    for (const path of options.operands.slice(reference ? 0 : skip))
      sink.write(call, path, call.name, { deep });
    return undefined;
  };
}

/** The mode may begin with a dash: `chmod -x f`. */
function chmod(call: Call, sink: Sink): undefined {
  const args = call.args.filter((word) => !/^-[rwxXstugo][-+=,rwxXstugoa]*$/.test(word));
  const skip = args.length < call.args.length ? 0 : 1;
  writes('reference', ['R', 'recursive'], skip)({ ...call, args }, sink);
}

/** `ssh-keygen -f key`: of one that is there mostly the public half, or its mark. */
function keys(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 't b f N C P I n V m O Y s r w');
  const made = options.has('t', 'p', 'c') && !options.has('y', 'l', 'F', 'R');
  for (const path of options.values('f')) {
    if (made) sink.write(call, path, call.name);
    else sink.read(call, path, call.name);
  }
  for (const path of options.operands) sink.read(call, path, call.name);
}

function tee(call: Call, sink: Sink): Output | undefined {
  for (const path of new Options(call.args, '').operands) sink.write(call, path, 'tee');
  return call.stdin;
}

/** `cp`, `mv`, `install`, `ln`: sources and a place. */
function copy(call: Call, sink: Sink): undefined {
  const { name } = call;
  const options = new Options(call.args, 't S target-directory suffix m o g mode owner group');
  if (name === 'install' && options.has('d', 'directory')) {
    for (const path of options.operands) sink.write(call, path, name);
    return;
  }
  const into = options.values('t', 'target-directory')[0];
  const sources = into === undefined ? options.operands.slice(0, -1) : options.operands;
  let target = into ?? options.operands.at(-1);
  if (target === undefined) return;
  if (name === 'ln' && options.operands.length === 1 && into === undefined) {
    sources.push(target);
    target = '.';
  }
  const deep =
    name === 'mv' || (name !== 'ln' && options.has('r', 'R', 'a', 'recursive', 'archive'));
  for (const source of sources) {
    if (name === 'ln') {
      // What can be reached through the new name; a hard link shares the contents.
      sink.use(call, source, 'ln');
    } else sink.read(call, source, name, { deep });
    if (name !== 'ln' && options.has('l', 'link')) sink.use(call, source, `${name} -l`);
    if (name === 'mv') sink.write(call, source, 'mv', { deep, keepLast: true });
  }
  // Whether the place is a folder is not known: either it is written, or what lies in it by that name.
  const folderOnly =
    into !== undefined ||
    target.endsWith('/') ||
    /(^|\/)\.{1,2}$/.test(target) ||
    sources.length > 1;
  const many = new Set(sources.map((source) => baseName(source)));
  sink.spend(many.size);
  for (const last of many) {
    // `cp -r .` and names that are not known: anything below.
    const inside = isUnknown(last) || last === '.' || last === '..' || last === '' ? '**' : last;
    sink.write(call, `${target.replace(/\/+$/, '')}/${inside}`, name, {
      deep,
      keepLast: name !== 'cp',
    });
  }
  if (!folderOnly) sink.write(call, target, name, { deep, keepLast: name !== 'cp' });
  if (sources.length === 1) {
    const [source] = sources;
    const link = name === 'ln' || options.has('s', 'symbolic-link');
    const to = folderOnly ? `${target}/${baseName(source!)}` : target;
    // A relative link starts where it lies.
    const from =
      link && options.has('s', 'symbolic', 'symbolic-link') && !source!.startsWith('/')
        ? `${to.slice(0, to.lastIndexOf('/') + 1) || './'}${source}`
        : source!;
    sink.linked(call, to, from, !link);
  }
}

function dd(call: Call, sink: Sink): undefined {
  for (const word of call.args) {
    if (word.startsWith('of=')) sink.write(call, word.slice(3), 'dd');
    if (word.startsWith('if=')) sink.read(call, word.slice(3), 'dd');
  }
}

/** Every operand is read; after a pattern for `grep`. */
function reads(
  valued: string,
  { deep = [] as string[], passes = false, outputs = '' } = {},
): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued);
    for (const path of options.operands)
      sink.read(call, path, call.name, { deep: deep.length > 0 && options.has(...deep) });
    for (const path of outputs ? options.values(...outputs.split(' ')) : [])
      sink.write(call, path, `${call.name} -o`);
    if (!options.operands.length || options.operands[0] === '-')
      return passes ? pass(call) : undefined;
    return undefined;
  };
}

function cat(call: Call, sink: Sink): Output | undefined {
  const { operands } = new Options(call.args, '');
  for (const path of operands) sink.read(call, path, call.name);
  const plain =
    call.args.every((word) => word === '-') ||
    (call.args.length === 1 && /^\/dev\/(stdin|fd\/0)$/.test(call.args[0]!));
  return plain ? call.stdin : undefined;
}

function grep(call: Call, sink: Sink): Output | undefined {
  const valued =
    'e f m A B C d D g t T j M E r regexp file max-count after-context before-context context include exclude ' +
    'exclude-dir exclude-from label glob iglob type type-not color colour max-depth sort sortr replace encoding threads max-filesize pre';
  const search =
    call.name === 'rg' || call.name === 'ag' || call.name === 'ack' || call.name === 'ugrep';
  const options = new Options(
    call.args,
    search ? valued : valued.replace(' r ', ' ').replace(' E ', ' '),
  );
  for (const text of options.values('pre')) sink.invoke([text], call, 'rg --pre');
  for (const file of options.values('f', 'file')) sink.read(call, file, call.name);
  const pattern = !options.values('e', 'regexp', 'f', 'file').length && !options.has('files');
  const paths = pattern ? options.operands.slice(1) : options.operands;
  const deep =
    search || options.has('r', 'R', 'recursive', 'dereference-recursive') || call.name === 'rgrep';
  for (const path of paths) sink.read(call, path, call.name, { deep });
  // Alone it searches all folders here, unless it is fed.
  if (!paths.length && deep && !call.stdin) sink.read(call, '.', call.name, { deep });
  if (options.has('l', 'L', 'files-with-matches', 'files-without-match', 'files'))
    return printsSome(
      ...(paths.length ? paths : ['.']).flatMap((path) =>
        deep ? listed(path, call.name, options) : [path],
      ),
    );
  if (options.has('c', 'count')) return printsSome('*');
  return paths.length ? undefined : pass(call);
}

/** Names that a search through folders prints. */
function listed(path: Pattern, name: string, options: Options): Pattern[] {
  if (/grep$/.test(name)) {
    const only = options.values('include');
    return only.length ? only.map((each) => `${path}/**/${activated(each)}`) : [`${path}/**`];
  }
  // These pass over what begins with a dot.
  const all =
    !/^(rg|ag)$/.test(name) || options.has('hidden', '.', 'u', 'uu', 'uuu', 'unrestricted');
  return all ? [`${path}/**`] : [path, `${path}/*`, `${path}/*/**`];
}

function ls(call: Call): Output | undefined {
  const options = new Options(call.args, 'I w T ignore width');
  const { operands } = options;
  const names = options.has('a', 'A', 'all', 'almost-all') ? ['*', '.*'] : ['*'];
  if (call.args.some((word) => /^-[^-]*[lis]/.test(word))) return undefined;
  return printsSome(...names, ...operands.filter((path) => !isUnknown(path)));
}

function sort(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'o k t S T output key field-separator buffer-size temporary-directory compress-program files0-from parallel batch-size',
  );
  for (const path of options.operands) sink.read(call, path, 'sort');
  for (const path of options.values('o', 'output')) sink.write(call, path, 'sort -o');
  for (const text of options.values('compress-program')) sink.invoke([text], call, 'sort');
  return options.operands.length ? undefined : pass(call);
}

function split(call: Call, sink: Sink): undefined {
  const options = new Options(
    call.args,
    'b l n C a filter bytes lines number suffix-length additional-suffix t',
  );
  for (const text of options.values('filter')) sink.script(text, call, 'split');
  const [file, prefix = 'x'] = options.operands;
  if (file !== undefined) sink.read(call, file, call.name);
  sink.write(call, `${prefix}*`, call.name);
}

function tar(call: Call, sink: Sink): undefined {
  // The first word may be letters without a dash.
  const [head = '', ...tail] = call.args;
  const args = /^[A-Za-z]+$/.test(head) ? [...bundled(head, tail)] : call.args;
  const options = new Options(
    args,
    'f C T X I b g H K L N V file directory files-from exclude exclude-from use-compress-program to-command ' +
      'checkpoint-action info-script new-volume-script rsh-command transform strip-components owner group mode mtime format one-top-level checkpoint rmt-command F',
  );
  for (const text of [
    ...options.values(
      'use-compress-program',
      'I',
      'to-command',
      'info-script',
      'new-volume-script',
      'rsh-command',
      'rmt-command',
      'F',
    ),
  ])
    sink.script(text, call, 'tar');
  for (const text of options.values('checkpoint-action'))
    if (text.startsWith('exec=')) sink.script(text.slice(5), call, 'tar');
  const folders = options.values('C', 'directory');
  const inside = folders.length
    ? inFolders(
        call,
        folders.flatMap((folder) => foldersOf(call, folder)),
      )
    : call;
  const archive = options.values('f', 'file')[0];
  if (options.has('x', 'extract', 'get')) {
    if (archive !== undefined) sink.read(call, archive, 'tar');
    if (options.has('O', 'to-stdout')) return;
    sink.write(inside, '**', 'tar x');
    if (options.has('P', 'absolute-names')) sink.write(inside, UNKNOWN, 'tar x');
  } else if (options.has('c', 'r', 'u', 'A', 'create', 'append', 'update')) {
    if (archive !== undefined) sink.write(call, archive, 'tar c');
    for (const path of options.operands) sink.read(inside, path, 'tar c', { deep: true });
    for (const path of options.values('T', 'files-from')) sink.read(call, path, 'tar c');
    if (options.has('remove-files'))
      for (const path of options.operands) sink.write(inside, path, 'tar c', { deep: true });
  } else if (archive !== undefined) sink.read(call, archive, 'tar');
}

function* bundled(letters: string, rest: readonly Pattern[]): Generator<Pattern> {
  let at = 0;
  for (const letter of letters) {
    yield `-${letter}`;
    if ('fCTXIbgHKLNV'.includes(letter)) yield rest[at++] ?? '';
  }
  yield* rest.slice(at);
}

function unzip(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'd x P');
  const [archive] = call.args.filter((word) => !word.startsWith('-'));
  if (archive !== undefined) sink.read(call, archive, call.name);
  if (options.has('l', 'p', 't', 'Z', 'v', 'c')) return;
  const place = options.values('d')[0] ?? '.';
  sink.write(call, `${place}/**`, call.name);
}

function sevenZip(call: Call, sink: Sink): undefined {
  const place = call.args.find((word) => word.startsWith('-o'))?.slice(2) ?? '.';
  const [command, archive, ...rest] = call.args.filter((word) => !word.startsWith('-'));
  if (archive === undefined) return;
  if (command === 'x' || command === 'e') sink.write(call, `${place}/**`, call.name);
  else if (command !== 'l' && command !== 't') {
    sink.write(call, archive, call.name);
    for (const path of rest) sink.read(call, path, call.name, { deep: true });
  }
}

function zip(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'TT b t n x i unzip-command');
  for (const text of options.values('TT', 'unzip-command')) sink.script(text, call, 'zip');
  const [archive, ...rest] = options.operands;
  if (archive !== undefined) sink.write(call, archive, 'zip');
  for (const path of rest) {
    sink.read(call, path, 'zip', { deep: options.has('r', 'recurse-paths') });
    if (options.has('m', 'move')) sink.write(call, path, 'zip -m', { deep: true });
  }
}

/** `gzip` and its kin: the file becomes another. */
function compress(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'S o T suffix');
  const toOutput =
    options.has('c', 'stdout', 'to-stdout', 't', 'test', 'l', 'list') || /cat$/.test(call.name);
  for (const path of options.operands) {
    sink.read(call, path, call.name);
    if (toOutput) continue;
    sink.write(call, path, call.name, { keepLast: true });
    sink.write(
      call,
      /\.(gz|bz2|xz|zst|lz4)$/.test(path) ? path.replace(/\.\w+$/, '') : `${path}.*`,
      call.name,
    );
  }
  for (const path of options.values('o')) sink.write(call, path, call.name);
}

function patch(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'p i d o r input directory output strip D F V');
  const inside = options.values('d', 'directory').flatMap((folder) => foldersOf(call, folder));
  const at = inside.length ? inFolders(call, inside) : call;
  if (options.has('dry-run')) return;
  const [file] = options.operands;
  for (const path of options.values('o', 'output')) sink.write(at, path, 'patch');
  // The patch names the files.
  sink.write(at, file ?? '**', 'patch');
}

/** Codex's own, in a command: the patch is an argument or comes in. */
function applyPatch(call: Call, sink: Sink): undefined {
  const given = call.args.find((word) => !word.startsWith('-')) ?? call.stdin?.lines.join('\n');
  if (given === undefined || isUnknown(given)) {
    sink.opaque('hidden', 'interpreter', call.words.join(' '));
    return;
  }
  const targets = patchTargets(textOf(given));
  if (targets.length === 0) sink.opaque('hidden', 'unparsable', call.words.join(' '));
  for (const { path, removed } of targets)
    sink.write(call, escaped(path), removed ? 'apply_patch delete' : 'apply_patch');
}

function rename(call: Call, sink: Sink): undefined {
  const { operands } = new Options(call.args, 'e');
  for (const path of operands.slice(1)) sink.write(call, path, call.name);
  sink.opaque('hidden', 'interpreter', call.words.join(' '));
}

function editInPlace(valued: string): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued);
    for (const path of options.operands) {
      // The first is an expression, but it does no harm to look at it as a path.
      sink.read(call, path, call.name);
      if (options.has('i', 'in-place', 'inplace', 'write', 'fix', 'w'))
        sink.write(call, path, `${call.name} -i`);
    }
    for (const path of options.values('o', 'output')) sink.write(call, path, `${call.name} -o`);
    return options.operands.length > 1 ? undefined : printsSome(UNKNOWN);
  };
}

function mktemp(call: Call, sink: Sink): Output {
  const options = new Options(call.args, 'p suffix tmpdir');
  const folder = options.values('p', 'tmpdir')[0];
  const template = options.operands[0];
  const name = template?.replace(/X{3,}/, '*') ?? 'tmp.*';
  const path = template?.includes('/')
    ? name
    : template !== undefined && !options.has('t', 'p', 'tmpdir')
      ? `./${name}`
      : `${folder ?? '/tmp'}/${name}`;
  sink.write(call, path, 'mktemp');
  return prints(path);
}

function compiler(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'o I L l D U x std include isystem MF');
  for (const path of options.values('o')) sink.write(call, path, call.name, { built: true });
  for (const path of options.operands) sink.read(call, path, call.name);
}

function uniq(call: Call, sink: Sink): Output | undefined {
  const [file, output] = new Options(call.args, 'f s w skip-fields skip-chars check-chars')
    .operands;
  if (file !== undefined) sink.read(call, file, 'uniq');
  if (output !== undefined) sink.write(call, output, 'uniq');
  return file === undefined ? pass(call) : undefined;
}

function truncate(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 's r size reference');
  for (const path of options.operands) sink.write(call, path, 'truncate');
}

function tail(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'n c s pid lines bytes');
  for (const path of options.operands) if (!/^\+\d+$/.test(path)) sink.read(call, path, call.name);
  return options.operands.length ? undefined : pass(call);
}

const path =
  (change: (path: Pattern) => Pattern): Effect =>
  (call) => {
    const options = new Options(call.args, 's suffix');
    return prints(...options.operands.slice(0, options.has('a', 'z') ? undefined : 1).map(change));
  };

const dirName = (path: Pattern): Pattern => {
  if (isUnknown(path)) return UNKNOWN;
  const cut = path.replace(/\/+$/, '').lastIndexOf('/');
  return cut < 0 ? '.' : path.slice(0, cut) || '/';
};

const realPath: Effect = (call) => {
  const options = new Options(call.args, 's relative-to relative-base');
  if (options.has('relative-to', 'relative-base')) return undefined;
  const cwd = call.state.cwds.length === 1 ? `${call.state.cwds[0]}/` : UNKNOWN;
  return prints(
    ...options.operands.map((given) => (given.startsWith('/') ? given : `${cwd}${given}`)),
  );
};

/** Prints numbers, names, dates: nothing with a slash. */
const short: Effect = (call) =>
  call.args.some((word) => word.includes('/') || isUnknown(word)) ? undefined : prints('*');

/** Neither reads nor writes. */
const nothing: Effect = () => undefined;

const table: [string, Effect][] = [
  ['rm rimraf del-cli trash srm grm', rm],
  ['rmdir unlink shred', writes('n s')],
  ['touch gtouch', writes('d t r date reference')],
  ['mkdir', writes('m mode')],
  ['mkfifo mknod', writes('m')],
  ['chmod', chmod],
  ['ssh-keygen', keys],
  ['ssh-add', reads('t T')],
  ['chown chgrp chattr setfacl', writes('reference from', ['R', 'recursive'], 1)],
  ['xattr codesign', writes('')],
  ['truncate', truncate],
  ['sponge', writes('')],
  ['tee', tee],
  ['cp mv install ln gcp gmv gln ginstall', copy],
  ['dd', dd],
  ['cat', cat],
  [
    'tac rev nl bat less more most zcat bzcat xzcat zless gzcat strings od xxd hexdump hd column fold fmt expand unexpand pr paste comm join cmp cksum sum b2sum md5sum md5 sha1sum sha224sum sha256sum sha384sum sha512sum shasum wc file stat look tsort ptx iconv base32 base64 basenc uuencode csvtool xmllint hexyl glow mdcat delta bat',
    reads('n c w d f t s b e l o', { passes: false }),
  ],
  ['uniq', uniq],
  ['shuf cut tr', reads('d f c b n o i', { passes: true, outputs: 'o output' })],
  ['head', tail],
  ['tail', tail],
  ['sort gsort', sort],
  ['diff colordiff sdiff vimdiff', reads('U C x X I L u', { deep: ['r', 'recursive'] })],
  ['grep egrep fgrep zgrep rg ag ack ugrep rgrep ggrep', grep],
  ['ls dir vdir exa eza lsd tree', ls],
  [
    'du df free uptime lsof ps top htop pgrep id groups users who w last tty stty clear reset sleep wait true false : test [ [[ kill pkill killall jobs fg bg disown umask ulimit times cal yes tput locale getconf lscpu lsblk uname arch sysctl pstree vmstat iostat netstat ss ifconfig history fc help shopt caller logger wall info apropos whatis expr seq factor numfmt printenv lsb_release sw_vers getent systeminfo nvidia-smi',
    nothing,
  ],
  ['date whoami hostname nproc uuidgen tput', short],
  ['jq gojq', editInPlace('arg argjson f from-file L indent')],
  ['yq dasel', editInPlace('o output p')],
  ['sd', writes('f flags n max-replacements', [], 2)],
  ['basename', path((given) => (isUnknown(given) ? UNKNOWN : baseName(given)))],
  ['dirname', path(dirName)],
  ['realpath readlink greadlink', realPath],
  ['mktemp', mktemp],
  ['split csplit', split],
  ['tar gtar bsdtar', tar],
  ['unzip unrar', unzip],
  ['7z 7za 7zz', sevenZip],
  ['zip', zip],
  ['gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4 compress uncompress pigz', compress],
  ['patch gpatch', patch],
  ['apply_patch applypatch', applyPatch],
  ['rename prename mmv', rename],
  ['gcc g++ cc c++ clang clang++ ld as', compiler],
];

export const files: ReadonlyMap<string, Effect> = new Map(
  table.flatMap(([names, effect]) =>
    names.split(' ').map((name): [string, Effect] => [name, effect]),
  ),
);

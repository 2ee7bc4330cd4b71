/** `git` and its kin: files that it writes, machines that it talks to, commands that it runs. */
import { type Call, type Effect, inFolders, prints, printsSome, type Sink } from './call.ts';
import { hostOf, urlHost } from './hosts.ts';
import { Options } from './options.ts';
import { baseName } from './paths.ts';
import { activated, escaped, isGlob, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { Output } from './state.ts';
import { foldersOf } from './wrappers.ts';

/** Settings that name a command. */
const RUN_SETTING =
  /^(alias\..*|core\.(sshcommand|pager|editor|fsmonitor|askpass|gitproxy)|pager\..*|.*\.(textconv|command|cmd|path|process|clean|smudge|driver|helper|program|uploadpack|receivepack|vcs)|sequence\.editor|diff\.external|gpg\..*program|credential\.helper|web\.browser|uploadpack\..*)$/i;
const LOAD_SETTING =
  /^(core\.hookspath|include\.path|includeif\..*|init\.templatedir|protocol\.ext\.allow|core\.worktree|core\.attributesfile)$/i;

function setting(name: string, value: Pattern, call: Call, sink: Sink): void {
  // Where it talks to: another address in place of the one that is written.
  const instead = /^url\.(.*)\.(push)?insteadof$/i.exec(name)?.[1];
  const address =
    instead ?? (/^(remote\..*\.(push)?url|http(\..*)?\.proxy)$/i.test(name) ? value : undefined);
  if (address !== undefined) sink.host(hostOf(address) ?? urlHost(address), 'git config');
  if (LOAD_SETTING.test(name)) sink.opaque('hidden', 'loadedCode', `${name}=${value}`);
  if (!RUN_SETTING.test(name) || value === '') return;
  const text = textOf(value);
  if (/^alias\./i.test(name)) {
    if (text.startsWith('!')) sink.script(value.replace(/^!/, ''), call, 'git alias');
    else sink.script(`git ${value}`, call, 'git alias');
  } else if (/helper$/i.test(name) && !text.startsWith('!') && !text.startsWith('/')) return;
  else sink.script(value.replace(/^!/, ''), call, `git ${name}`);
}

function git(call: Call, sink: Sink): Output | undefined {
  let at = 0;
  let inside = call;
  const { args } = call;
  const aliases = new Map<string, Pattern>();
  for (; at < args.length && args[at]!.startsWith('-'); at++) {
    const word = args[at]!;
    if (word === '-C') inside = inFolders(inside, foldersOf(inside, args[++at] ?? '.'));
    else if (word === '-c' || word.startsWith('--config-env')) {
      const text = word === '-c' ? (args[++at] ?? '') : UNKNOWN;
      const cut = text.indexOf('=');
      if (isUnknown(cut < 0 ? text : text.slice(0, cut)))
        sink.opaque('hidden', 'environment', call.words.join(' '));
      else if (cut > 0) {
        const name = textOf(text.slice(0, cut));
        if (/^alias\./i.test(name)) aliases.set(name.slice(6), text.slice(cut + 1));
        setting(name, text.slice(cut + 1), inside, sink);
      }
    } else if (/^--(git-dir|work-tree|namespace|exec-path|super-prefix)$/.test(word)) {
      const value = args[++at] ?? '';
      if (word === '--work-tree') inside = inFolders(inside, foldersOf(inside, value));
      if (word === '--exec-path') sink.opaque('hidden', 'loadedCode', call.words.join(' '));
    } else if (word.startsWith('--work-tree='))
      inside = inFolders(inside, foldersOf(inside, word.slice(12)));
    else if (word.startsWith('--exec-path='))
      sink.opaque('hidden', 'loadedCode', call.words.join(' '));
  }
  const command = args[at];
  if (command === undefined) return undefined;
  if (isUnknown(command)) {
    sink.opaque('hidden', 'unknownProgram', call.words.join(' '));
    return undefined;
  }
  const rest = args.slice(at + 1);
  const alias = aliases.get(command);
  // An alias of another git command runs with the words that follow it.
  if (alias !== undefined && !alias.startsWith('!'))
    sink.script(`git ${alias} "$@"`, inside, 'git alias', { positional: rest });
  return subcommand(textOf(command), rest, inside, sink);
}

function subcommand(
  name: string,
  args: readonly Pattern[],
  call: Call,
  sink: Sink,
): Output | undefined {
  const how = `git ${name}`;
  const write = (path: Pattern, deep = false): void => sink.write(call, path, how, { deep });
  const split = args.indexOf('--');
  switch (name) {
    case 'push':
    case 'fetch':
    case 'pull':
    case 'ls-remote': {
      const options = new Options(args, 'o push-option repo receive-pack upload-pack exec depth j');
      for (const text of options.values('receive-pack', 'upload-pack', 'exec'))
        sink.script(text, call, how);
      remote(options.values('repo')[0] ?? options.operands[0], how, sink);
      return undefined;
    }
    case 'clone': {
      const options = new Options(
        args,
        'b o c u j branch origin config upload-pack depth template reference filter separate-git-dir',
      );
      for (const text of options.values('upload-pack', 'u')) sink.script(text, call, how);
      for (const text of options.values('c', 'config')) {
        const cut = text.indexOf('=');
        if (cut > 0) setting(textOf(text.slice(0, cut)), text.slice(cut + 1), call, sink);
      }
      const [url, folder] = options.operands;
      if (url === undefined) return undefined;
      remote(url, how, sink);
      write(
        folder ??
          baseName(url.replace(/\/+$/, ''))
            .replace(/\.git$/, '')
            .replace(/^.*:/, ''),
        true,
      );
      return undefined;
    }
    case 'remote': {
      const [command, , url] = new Options(args, 't m').operands;
      if (command === 'add' || command === 'set-url') remote(url, how, sink);
      else if (command === 'update') remote(undefined, how, sink);
      return command === undefined || command === 'get-url' ? undefined : undefined;
    }
    case 'submodule': {
      const at = args.indexOf('foreach');
      if (at >= 0) {
        const rest = args
          .slice(at + 1)
          .filter((word) => word !== '--recursive' && word !== '--quiet');
        sink.script(rest.join(' '), call, how);
      } else if (/^(add|update)$/.test(args[0] ?? '')) {
        remote(
          args[0] === 'add' ? new Options(args.slice(1), 'b').operands[0] : undefined,
          how,
          sink,
        );
        write('**');
      }
      return undefined;
    }
    case 'config': {
      const options = new Options(args, 'f file blob type default');
      const { operands } = options;
      for (const file of options.values('f', 'file'))
        (operands.length > 1 ? write : (path: Pattern) => sink.read(call, path, how))(file);
      const rest = /^(set|get|unset|list|edit)$/.test(operands[0] ?? '')
        ? operands.slice(1)
        : operands;
      if (rest.length > 1) {
        setting(textOf(rest[0]!), rest[1]!, call, sink);
        write(options.has('global') ? `${escaped(sink.home)}/.gitconfig` : '.git/config');
      }
      return options.has('get') || rest.length < 2 ? printsSome(UNKNOWN) : undefined;
    }
    case 'checkout':
    case 'restore': {
      const options = new Options(args, 'b B s source orphan conflict');
      // After `--`, or what is not a branch's name: it may be either.
      const paths =
        split >= 0
          ? args.slice(split + 1)
          : options.operands.filter((path) => name === 'restore' || isNoBranch(path));
      for (const path of paths) write(path, true);
      if (!paths.length && !options.has('b', 'B', 'orphan')) {
        for (const path of options.operands) sink.use(call, path, how);
        if (options.has('f', 'force')) write('**');
      }
      return undefined;
    }
    case 'switch':
    case 'merge':
    case 'rebase':
    case 'cherry-pick':
    case 'revert':
    case 'am':
    case 'stash': {
      const options = new Options(args, 'x s X m C c exec strategy onto');
      if (name === 'stash') stash(args, call, sink);
      if (name === 'rebase')
        for (const text of options.values('x', 'exec')) sink.script(text, call, how);
      return undefined;
    }
    case 'bisect':
      if (args[0] === 'run') return sink.invoke(args.slice(1), call, 'git bisect run');
      return undefined;
    case 'filter-branch': {
      const options = new Options(
        args,
        'd tree-filter index-filter msg-filter env-filter commit-filter parent-filter tag-name-filter setup subdirectory-filter',
      );
      for (const text of options.values(
        'tree-filter',
        'index-filter',
        'msg-filter',
        'env-filter',
        'commit-filter',
        'parent-filter',
        'tag-name-filter',
        'setup',
      ))
        sink.script(text, call, how);
      write('**');
      return undefined;
    }
    case 'reset':
      if (new Options(args).has('hard', 'merge', 'keep')) write('**');
      return undefined;
    case 'clean': {
      const options = new Options(args, 'e exclude');
      if (options.has('n', 'dry-run') || !options.has('f', 'force')) return undefined;
      // What it leaves alone, and what git ignores: both may be a file that matters.
      const spared = options.values('e', 'exclude').map((text) => ` -e ${textOf(text)}`);
      const which = options.has('X') ? ' -X' : options.has('x') ? ' -x' : '';
      const said = `${how}${which}${spared.join('')}`;
      for (const path of options.operands.length ? options.operands : ['**'])
        sink.write(call, path, said, { deep: true });
      return undefined;
    }
    case 'rm': {
      const options = new Options(args, 'pathspec-from-file');
      if (!options.has('cached'))
        for (const path of options.operands) write(path, options.has('r'));
      return undefined;
    }
    case 'mv': {
      const paths = new Options(args).operands;
      for (const path of paths) write(path, true);
      const last = paths.at(-1);
      if (last !== undefined)
        for (const path of paths.slice(0, -1)) write(`${last}/${baseName(path)}`, true);
      return undefined;
    }
    case 'apply':
      if (!new Options(args).has('check', 'stat', 'cached')) write('**');
      return undefined;
    case 'worktree': {
      const [command, folder] = new Options(args, 'b B').operands;
      if ((command === 'add' || command === 'remove') && folder !== undefined) write(folder, true);
      return undefined;
    }
    case 'archive':
    case 'format-patch':
    case 'bundle':
    case 'diff':
    case 'show':
    case 'log':
    case 'grep':
    case 'blame': {
      const options = new Options(
        args,
        'o output output-directory prefix format n G S L e O max-count since until author grep U',
      );
      for (const path of options.values('output', 'output-directory')) write(path);
      if (name === 'archive' || name === 'format-patch')
        for (const path of options.values('o')) write(path, name === 'format-patch');
      if (name === 'bundle' && options.operands[1] !== undefined) write(options.operands[1]);
      const pager = name === 'grep' ? options.values('O', 'open-files-in-pager') : [];
      for (const text of pager) sink.script(text, call, how);
      if (split >= 0 || options.has('no-index'))
        for (const path of options.has('no-index') ? options.operands : args.slice(split + 1))
          sink.read(call, path, how);
      else
        for (const path of options.operands)
          if (!isUnknown(path)) sink.read(call, path.replace(/^[\w~^@{}/-]*:/, ''), how);
      return options.has('name-only', 'name-status')
        ? printsSome(...(split >= 0 ? namesOf(args.slice(split + 1)) : [`${root(call, sink)}/**`]))
        : undefined;
    }
    case 'ls-files': {
      const { operands } = new Options(args, 'x X exclude exclude-from');
      return printsSome(...(operands.length > 0 ? namesOf(operands) : ['./**']));
    }
    case 'rev-parse': {
      if (args.includes('--show-toplevel')) return prints(root(call, sink));
      if (
        args.some((word) =>
          /^--(git|absolute-git|git-common)-dir|--show-cdup|--git-path/.test(word),
        )
      )
        return printsSome(UNKNOWN);
      return prints(args.some((word) => word.startsWith('--abbrev-ref')) ? BRANCH : '*');
    }
    case 'branch':
    case 'describe':
    case 'symbolic-ref':
    case 'rev-list':
    case 'merge-base':
    case 'hash-object':
      if (name === 'hash-object')
        for (const path of new Options(args, 't').operands) sink.read(call, path, how);
      if (args.includes('--show-current') || (name === 'symbolic-ref' && args.includes('--short')))
        return prints(BRANCH);
      return printsSome('*', '*/*');
    case 'difftool':
    case 'mergetool': {
      for (const text of new Options(args, 'x t extcmd tool').values('x', 'extcmd'))
        sink.script(text, call, how);
      return undefined;
    }
    case 'send-email':
    case 'svn':
    case 'instaweb':
    case 'daemon':
      sink.host(undefined, how);
      return undefined;
    case 'init':
      write(new Options(args, 'b template initial-branch').operands[0] ?? '.git', true);
      return undefined;
    case 'add':
    case 'stage':
      for (const path of new Options(args, 'chmod pathspec-from-file').operands)
        sink.read(call, path, how);
      return undefined;
    case 'update-index':
    case 'credential':
      return undefined;
    default:
      // Commands of the user's own: git-x, or an alias in a file.
      if (!KNOWN.has(name)) sink.opaque('file', 'task', `git ${name}`);
      return undefined;
  }
}

/** What is no name of a branch: `.`, `./x`, `*.ts`. */
const isNoBranch = (word: Pattern): boolean =>
  /^(\.{1,2}(\/|$)|\/|:)/.test(word) || isGlob(activated(word));

/** Takes what was changed away, and with `-u` and `-a` what git does not keep. */
function stash(args: readonly Pattern[], call: Call, sink: Sink): void {
  const split = args.indexOf('--');
  const options = new Options(split < 0 ? args : args.slice(0, split), 'm message');
  const [verb] = options.operands;
  if (verb !== undefined && !/^(push|save)$/.test(verb) && !isUnknown(verb)) return;
  if (options.has('S', 'staged')) return;
  // The words of `save` are a message.
  const paths =
    split >= 0 ? args.slice(split + 1) : verb === 'push' ? options.operands.slice(1) : [];
  const all = paths.length > 0 ? paths : ['**'];
  for (const path of all) sink.write(call, path, 'git stash', { deep: true });
  const how = options.has('a', 'all') ? '-a' : options.has('u', 'include-untracked') ? '-u' : '';
  if (how === '') return;
  for (const path of all) sink.write(call, path, `git stash ${how}`, { deep: true });
}

/** A branch's name: no dash, plus or colon before it, and no way out of a folder. */
const BRANCH = '**';

const KNOWN = new Set(
  'status commit tag notes reflog show-ref for-each-ref cat-file ls-tree shortlog gc fsck prune version help count-objects diff-tree diff-index diff-files name-rev cherry range-diff check-ignore check-attr update-ref write-tree read-tree commit-tree var whatchanged sparse-checkout maintenance lfs annotate request-pull rerere replace'.split(
    ' ',
  ),
);

/** Files that git's own patterns stand for: a star of theirs also stands for folders. */
const namesOf = (specs: readonly Pattern[]): Pattern[] =>
  specs.flatMap((spec) => {
    const given = activated(spec);
    if (isUnknown(spec) || spec.startsWith(':') || given === '' || given === '.') return ['./**'];
    if (!isGlob(given)) return [given, `${given.replace(/\/+$/, '')}/**`];
    return /^\*[^*?[]*$/.test(given) && !given.includes('/') ? [`./**/${given}`] : ['./**'];
  });

function root(call: Call, sink: Sink): Pattern {
  const found = sink.gitRoot(call);
  return found === undefined ? UNKNOWN : escaped(found);
}

function remote(url: Pattern | undefined, how: string, sink: Sink): void {
  if (url === undefined) sink.host(undefined, how, 'default');
  else if (/^ext::/.test(url)) sink.opaque('hidden', 'loadedCode', url);
  else {
    const host = hostOf(url);
    if (host !== undefined) sink.host(host, how);
    // The name of a remote, or a folder.
    else sink.host(undefined, how, isUnknown(url) ? '' : textOf(url));
  }
}

function gh(call: Call, sink: Sink): undefined {
  sink.host('github.com', 'gh');
  const [command, verb, ...rest] = call.args;
  if (command === 'repo' && verb === 'clone') {
    const [name, folder] = new Options(rest).operands;
    if (name !== undefined)
      sink.write(call, folder ?? baseName(name), 'gh repo clone', { deep: true });
  } else if (command === 'alias' && verb === 'set')
    sink.opaque('hidden', 'loadedCode', call.words.join(' '));
  else if (command === 'extension' || command === 'ext')
    sink.opaque('file', 'task', call.words.join(' '));
  else if (verb === 'download') {
    const options = new Options(rest, 'D O p n R dir output pattern name repo');
    sink.write(call, `${options.values('D', 'dir')[0] ?? '.'}/**`, `gh ${command} download`);
  }
  if (command === 'gist' || command === 'release')
    for (const word of rest) if (!isUnknown(word)) sink.use(call, word, `gh ${command}`);
  for (const word of call.args)
    if (/^@|=@/.test(word)) sink.read(call, word.replace(/^.*?@/, ''), 'gh');
  const file = new Options(call.args, 'F body-file input').values('F', 'body-file', 'input');
  for (const path of file) if (path !== '-' && !path.includes('=')) sink.read(call, path, 'gh');
}

export const versionControl: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['git', git],
  ['hub', git],
  ['gh', gh],
]);

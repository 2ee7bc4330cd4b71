/** Whether a shell command only looks: searches, lists, prints. By its words alone: asked of every command of a session. Pure. */

const LOOKS = new Set(
  (
    'rg awk gawk grep egrep fgrep zgrep ag ack fd find ls ll tree cat bat head tail less more nl wc file stat du df ' +
    'which whereis type command jq yq sort uniq cut tr column diff cmp comm ps env printenv uname date ' +
    'whoami id hostname readlink realpath basename dirname od xxd hexdump strings md5sum sha256sum ' +
    'get-content get-childitem select-string dir findstr where test [ [['
  ).split(' '),
);
/** They look where a command waits in between: `sleep 5; curl -sf localhost:3000`. */
const AWAITED = new Set('curl wget nc ping pg_isready'.split(' '));
const WAITS = /(?:^|[;|&\n(]|\bdo\b)\s*sleep\s/;
const SENDS =
  / (?:-X|--request|-d|--data\S*|-F|--form|-T|--upload-file|-O|--remote-name|-o|--output|--json)\b(?! ?\/dev\/null)/;
/** They neither look nor do anything: what stands beside them decides. */
const NEUTRAL = new Set(
  'cd pushd popd echo printf pwd true false : export set sleep xargs time'.split(' '),
);
/** Programs with words that only look. */
const TASKS: Record<string, RegExp> = {
  git: /^(status|log|diff|show|blame|grep|ls-files|ls-tree|branch|remote|rev-parse|describe|reflog|shortlog|cat-file|rev-list|merge-base|name-rev|show-ref|for-each-ref|whatchanged|ls-remote)$/,
  gh: /^(view|list|status|diff|search|checks|watch)$/,
  go: /^(list|doc|env|version)$/,
  npm: /^(ls|list|view|info|outdated|why|explain)$/,
  cargo: /^(tree|metadata|search)$/,
  docker: /^(ps|images|logs|inspect)$/,
  kubectl: /^(get|describe|logs)$/,
};

/** True where every part of the command looks and none of it writes to a file. */
export function onlyLooks(command: string): boolean {
  const text = unquoted(command.slice(0, MOST));
  // What another command puts in is not known; what is written to a file is no look.
  if (text === undefined || WRITES.test(text)) return false;
  let looks = false;
  const waits = WAITS.test(text);
  for (const part of text.split(/\|\||&&|[;|\n]/)) {
    const words = part.trim().split(/\s+/);
    let at = 0;
    while (
      at < words.length &&
      /^(\w+=.*|[({!]+|for|in|do|done|if|then|else|fi|while|until)$/.test(words[at]!)
    ) {
      // The words of a loop: its variable, and what it runs over.
      at = words[at] === 'for' ? words.length : at + 1;
    }
    const name = (words[at] ?? '')
      .replace(/^[({!]+/, '')
      .replace(/^.*\//, '')
      .toLowerCase();
    if (name === '' || NEUTRAL.has(name)) continue;
    const known =
      name === 'sed'
        ? / -\w*n/.test(part) && !/ -\w*i/.test(part)
        : isLook(name, words, at) || (waits && AWAITED.has(name) && !SENDS.test(part));
    if (!known) return false;
    if (name === 'find' && / -(delete|exec|execdir|ok)\b/.test(part)) return false;
    looks = true;
  }
  return looks;
}

const WRITES = /<<|(?:^|[^0-9&>-])>{1,2}(?!\s*\/dev\/null|&)/;

/** The command with its quoted texts as `Q`; undefined where a command stands in them, or beside them. */
function unquoted(command: string): string | undefined {
  const text = command
    .replace(/\\[\s\S]/g, '_')
    .replace(/'[^']*'/g, 'Q')
    .replace(/"[^"]*"/g, (quoted) => (/\$\(|`/.test(quoted) ? '`' : 'Q'));
  return /\$\(|`/.test(text) ? undefined : text;
}

const MOST = 4000;

function isLook(name: string, words: readonly string[], at: number): boolean {
  if (LOOKS.has(name)) return true;
  if (!Object.hasOwn(TASKS, name)) return false;
  const task = TASKS[name]!;
  for (let next = at + 1; next < words.length && next <= at + 4; next++) {
    if (task.test(words[next]!)) return true;
  }
  return false;
}

/**
 * Code in the words of a command: whether it is of the plain kind that only reads its input and prints.
 * Everything that is not surely so is not.
 */

const MAX_CODE = 20_000;

const PYTHON_MODULES = new Set(
  (
    'json sys re math datetime time collections itertools statistics textwrap string base64 hashlib ' +
    'random decimal fractions operator functools uuid platform pprint struct csv html unicodedata secrets tomllib glob typing dataclasses enum copy'
  ).split(' '),
);
/** Attributes of those modules, and of texts, lists and dictionaries, that do nothing but compute. */
const PYTHON_ATTRIBUTES = new Set(
  (
    'load loads dump dumps stdin stdout stderr read readline readlines buffer get items keys values append ' +
    'extend join split splitlines strip rstrip lstrip startswith endswith format replace lower upper title ' +
    'argv exit version version_info major minor micro platform executable sort count index find rfind ' +
    'findall finditer match fullmatch search sub group groups sqrt pi floor ceil log now today utcnow ' +
    'strftime strptime isoformat fromtimestamp date timedelta datetime time perf_counter uuid4 uuid1 ' +
    'sha256 sha1 md5 sha512 hexdigest digest encode decode b64encode b64decode urlsafe_b64encode hex ' +
    'most_common mean median stdev pprint dedent indent zfill ljust rjust center pop add update ' +
    'setdefault randint choice token_hex token_urlsafe token_bytes sample random Counter defaultdict ' +
    'OrderedDict namedtuple reader DictReader fieldnames escape unescape isdigit isalpha total_seconds ' +
    'flush python_version system_name machine release maxsize reverse union intersection difference ' +
    'digits ascii_letters ascii_lowercase partition rpartition name __version__ write glob iglob copy deepcopy Counter json text status_code headers'
  ).split(' '),
);
const PYTHON_DENIED =
  /\b(open|exec|eval|compile|getattr|setattr|delattr|globals|locals|vars|breakpoint|help|input|memoryview|type|super|class|__(?!version__|name__)\w*)\b/;

/** A plain piece of Python. */
export function isPlainPython(code: string): boolean {
  if (code.length > MAX_CODE) return false;
  let torn = false;
  // Strings and comments are taken out, but for what f-strings hold: that is code.
  const bare = code.replace(
    /([A-Za-z]{0,2})("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*')|#[^\n]*/g,
    (_all, prefix: string | undefined, text: string | undefined) => {
      if (text === undefined) return ' ';
      if (!/f/i.test(prefix ?? '')) return `${/^[rbu]*$/i.test(prefix ?? '') ? '' : prefix} ""`;
      // Newer versions nest the same quotes; where that may be so, it is not clear what is code.
      const inner = text.slice(1, -1);
      const other = text[0] === '"' ? "'" : '"';
      const count = (char: string): number => inner.split(char).length - 1;
      if (count(other) % 2 || count('{') !== count('}') || inner.includes('\\')) torn = true;
      return ` ${inner.replace(/'[^']*'|"[^"]*"/g, '""').replaceAll('.', ' . ')} `;
    },
  );
  if (torn || /["'](?!")/.test(bare.replaceAll('""', ''))) return false;
  if (/[^\x09\x0a\x0d\x20-\x7e]/.test(bare) || PYTHON_DENIED.test(bare)) return false;
  for (const match of bare.matchAll(/\bimport\s+([^\n;]+)/g)) {
    const from = /\bfrom\s+([\w.]+)\s+$/.exec(
      bare.slice(Math.max(0, match.index - 80), match.index),
    )?.[1];
    for (const item of match[1]!.split(',')) {
      const name = item
        .trim()
        .split(/\s+as\s+/)[0]!
        .trim();
      if (
        from === undefined
          ? !PYTHON_MODULES.has(name)
          : !PYTHON_MODULES.has(from) || !PYTHON_ATTRIBUTES.has(name)
      )
        return false;
    }
  }
  for (const match of bare.matchAll(/\.\s*([A-Za-z_]\w*)/g))
    if (!PYTHON_ATTRIBUTES.has(match[1]!)) return false;
  return true;
}

/** Only loads modules and says so: what it runs is theirs, in files. */
export function isImportCheck(code: string): boolean {
  if (code.length > 2000) return false;
  const statements = code.split(/[;\n]/).map((text) => text.trim());
  return statements
    .filter((text) => text !== '')
    .every((text) =>
      /^(?:import [\w.]{1,100}(?:\s?,\s?[\w.]{1,100}){0,9}(?: as \w+)?|from [\w.]{1,100} import \w+(?:\s?,\s?\w+){0,9}|print\((?:(?:"[^"\\{}]*"|'[^'\\{}]*'|\w+(?:\.\w+)?\.__(?:version|file|name)__|\w+)(?:\s?,\s?|(?=\))))*\))$/.test(
        text,
      ),
    );
}

/** What files, programs and machines are reached by in Python; of files that are named as they are nothing is left. */
const PYTHON_REACHES =
  /\b(open|Path|pathlib|io|os|exec|eval|compile|getattr|setattr|delattr|globals|locals|vars|breakpoint|input|modules|subprocess|shutil|pty|ctypes|cffi|socket\w*|ssl|asyncio|ftplib|smtplib|http|httpx|aiohttp|urllib\d?|requests|paramiko|fabric|importlib|runpy|code|pickle|marshal|shelve|codecs|base64|binascii|zlib|builtins|system|popen|Popen|spawn\w*|exec\w+|fork|kill|remove|unlink|rmdir|rmtree|rename|truncate|symlink\w*|chmod|chown|chdir|write\w*|to_\w+|save\w*|dump|touch|mkdir|makedirs|putenv|tempfile|zipfile|tarfile|sqlite3|webbrowser|multiprocessing|signal|sh|plumbum|pexpect|git|pip|run|call|load\w*|read_\w+|__(?!version__|name__|file__)\w*)\b/;

/** Python that uses what other files hold, and reaches for nothing itself. */
export const isTamePython = (code: string): boolean =>
  code.length <= MAX_CODE &&
  /^[\x09\x0a\x0d\x20-\x7e]*$/.test(code) &&
  !/\\[xuN0-7]/.test(code) &&
  !PYTHON_REACHES.test(code);

const NODE_REACHES =
  /\b(child_process|exec\w*|spawn\w*|fork|eval|Function|constructor|process|fs|rm\w*|unlink\w*|write\w*|append\w*|rename\w*|copy\w*|cp\w*|truncate\w*|mkdir\w*|remove\w*|output\w*|create\w*|read\w*|net|http|https|http2|tls|dgram|dns|fetch|axios|got|undici|WebSocket|XMLHttpRequest|vm|module|worker_threads|Worker|globalThis|global|Reflect|Proxy|__proto__|prototype|getBuiltinModule|binding|dlopen|Deno|Bun|execa|shelljs|zx|cross-spawn|del|rimraf|glob|Buffer|atob|btoa|fromCharCode|fromCodePoint|decodeURI\w*|unescape|this|with|import)\b/;

/** JavaScript of the same kind. A module is asked for by its name. */
export const isTameNode = (code: string): boolean => {
  if (
    code.length > MAX_CODE ||
    !/^[\x09\x0a\x0d\x20-\x7e]*$/.test(code) ||
    /\\[xu0-7]|`/.test(code)
  )
    return false;
  const rest = code.replace(/\brequire(?:\.resolve)?\(\s*(['"])[\w@/.-]{1,100}\1\s*\)/g, (all) =>
    all.replace(/^require(\.resolve)?/, ''),
  );
  return (
    !/\brequire\b/.test(rest) &&
    !NODE_REACHES.test(rest) &&
    !/\[[^\]]*['"][^\]]*\+|\+[^[]*['"][^[]*\]/.test(rest)
  );
};

/** Texts in code that may be paths. */
export function* textsIn(code: string): Generator<string> {
  let count = 0;
  for (const [, , text = ''] of code.matchAll(/(['"])([^'"\\\s]{1,200})\1/g)) {
    if (++count > 200) return;
    yield text;
  }
}

const NODE_DENIED =
  /\b(require|import|eval|Function|process|constructor|__proto__|prototype|globalThis|global|module|exports|Reflect|Proxy|WebAssembly|this|fetch|WebSocket|Deno|Bun|getBuiltinModule|GeneratorFunction|AsyncFunction|with|__defineGetter__|fs|child_process|Worker|XMLHttpRequest)\b/;

/** A plain piece of JavaScript. */
export function isPlainNode(code: string): boolean {
  if (code.length > MAX_CODE || /[^\x09\x0a\x0d\x20-\x7e]/.test(code)) return false;
  const allowed = code
    .replace(
      /\brequire\(\s*(['"])((?:\.{1,2}\/)?[\w@./-]*\.json|(?:node:)?(?:path|util|url|assert|os))\1\s*\)/g,
      'X',
    )
    .replace(
      /\bprocess\s*\.\s*(version|versions|argv|platform|arch|exit|cwd|uptime|memoryUsage|hrtime|exitCode|execPath|stdin\.(?:on|resume|setEncoding)|stdout\.(?:write|columns))\b/g,
      'X',
    );
  // Strings stay in: what looks like one may be a regular expression with a quote in it.
  if (/\\[ux]/.test(allowed) || NODE_DENIED.test(allowed) || /\]\s*:/.test(allowed)) return false;
  if (/\bObject\s*\.\s*(?!(?:keys|values|entries|assign|fromEntries)\b)/.test(allowed))
    return false;
  // A member by a name that is made up.
  return ![...allowed.matchAll(/[^\s(,=:[{;&|?!+>]\s*\[([^\]]*)\]/g)].some(
    ([, inner = '']) =>
      !/^\s*(?:-?\d+|[a-z]\.length\s*-\s*1|"[\w@./ -]*"|'[\w@./ -]*')?\s*$/.test(inner),
  );
}

/** Perl that is one plain replacement. */
export function isPlainPerl(code: string): boolean {
  if (code.length > 4000 || /\(\?\??\{|@\{|\$\{|`|\bsystem\b|\bexec\b|\bopen\b/.test(code))
    return false;
  return code
    .split(/;\s*/)
    .filter((part) => part.trim() !== '')
    .every((part) =>
      /^\s*(?:(?:s|tr|y)(?:\/(?:\\.|[^/\\])*\/(?:\\.|[^/\\])*\/|\|(?:\\.|[^|\\])*\|(?:\\.|[^|\\])*\||\{(?:\\.|[^{}\\])*\}\s*\{(?:\\.|[^{}\\])*\}|#(?:\\.|[^#\\])*#(?:\\.|[^#\\])*#)[gimsxr]*|print(?: (?:if|unless) (?:\/(?:\\.|[^/\\])*\/i?|\$\. [<>=]+ \d+))?)\s*$/.test(
        part,
      ),
    );
}

/** What an awk program does to files: names that it prints to; undefined: it runs or hides something. */
export function awkWrites(code: string): string[] | undefined {
  if (code.length > MAX_CODE) return undefined;
  const writes: string[] = [];
  const texts: string[] = [];
  const bare = code.replace(
    /"((?:\\.|[^"\\\n])*)"/g,
    (_, text: string) => `"${texts.push(text) - 1}"`,
  );
  if (/\b(system|getline|fflush)\b|@\s*(include|load|\w+\s*\()|\|\s*["&]/.test(bare))
    return undefined;
  const noRegex = bare.replace(/\/(?:\\.|[^/\\\n])+\//g, '0');
  if (/(?<!\|)\|(?!\|)/.test(noRegex)) return undefined;
  for (const [, target = ''] of noRegex.matchAll(/\bprintf?\b[^;}\n]*?>>?\s*([^;}\n]*)/g)) {
    const file = /^\(?\s*"(\d+)"\s*\)?\s*$/.exec(target);
    if (!file) return undefined;
    writes.push(texts[Number(file[1])]!);
  }
  return writes;
}

export interface SedActs {
  reads: string[];
  writes: string[];
}

/**
 * The files that a sed script names.
 * @returns undefined if it runs commands, or cannot be read
 */
export function sedActs(script: string): SedActs | undefined {
  const acts: SedActs = { reads: [], writes: [] };
  let at = 0;
  const rest = (): string => {
    const end = script.indexOf('\n', at);
    const text = script.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? script.length : end + 1;
    return text.trim();
  };
  const delimited = (delimiter: string): boolean => {
    for (; at < script.length; at++) {
      const char = script[at]!;
      if (char === '\\') at++;
      else if (char === delimiter) {
        at++;
        return true;
      }
    }
    return false;
  };
  while (at < script.length) {
    const char = script[at++]!;
    if (/[\s;{}0-9,$!~+]/.test(char)) continue;
    if (char === '#') rest();
    else if (char === '/') {
      if (!delimited('/')) return undefined;
      while (/[IM]/.test(script[at] ?? '')) at++;
    } else if (char === '\\') {
      if (!delimited(script[at++] ?? '')) return undefined;
    } else if (char === 's' || char === 'y') {
      const delimiter = script[at++];
      if (delimiter === undefined || !delimited(delimiter) || !delimited(delimiter))
        return undefined;
      for (;;) {
        const flag = script[at] ?? '';
        if (char === 's' && flag === 'e') return undefined;
        if (char === 's' && flag === 'w') {
          at++;
          acts.writes.push(rest());
          break;
        }
        if (!/[gpiImM0-9]/.test(flag)) break;
        at++;
      }
    } else if (char === 'r' || char === 'R') acts.reads.push(rest());
    else if (char === 'w' || char === 'W') acts.writes.push(rest());
    else if (char === 'a' || char === 'i' || char === 'c') {
      let line = rest();
      while (line.endsWith('\\') && at < script.length) line = rest();
    } else if (/[btT:]/.test(char)) {
      while (at < script.length && !/[;\n}]/.test(script[at]!)) at++;
    } else if (/[qQlL]/.test(char)) {
      while (/[ \d]/.test(script[at] ?? '')) at++;
    } else if (!/[dDgGhHnNpPxz=F]/.test(char)) return undefined;
  }
  return acts;
}

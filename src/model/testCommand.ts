/** Whether a shell command runs a project's tests, by its words alone: asked of every command of a session. Pure. */

const QUICK =
  /\b(test|tests|spec|check|pytest|py\.test|tox|nox|jest|vitest|mocha|ava|jasmine|karma|playwright|cypress|rspec|minitest|phpunit|pest|ctest|nextest|unittest|gotestsum|bats|behave|cucumber|verify|trial|zig|swift|deno|bun)\b/;

/** Before the program: they run what follows. */
const WRAPPERS = new Set(
  'bash sh zsh sudo env time nice nohup command exec stdbuf xvfb-run dotenv cross-env npx bunx pnpx uvx corepack poetry pipenv uv hatch rye pdm bundle run exec dlx doas caffeinate'.split(
    ' ',
  ),
);
const RUNNERS = new Set(
  'pytest py.test tox nox jest vitest mocha ava jasmine karma cypress rspec phpunit pest ctest gotestsum bats behave cucumber trial nextest'.split(
    ' ',
  ),
);
/** Programs with a word that runs the tests. Made when it is first asked: thirty expressions cost a hook as much as a decision. */
let tasks: Record<string, RegExp> | undefined;
const tasksOf = (): Record<string, RegExp> => ({
  npm: /^(t|tst|test|run-script|run|it|install-test|cit)$/,
  pnpm: /^(t|test|run)$/,
  yarn: /^(test|run|workspace|workspaces)$/,
  bun: /^(test|run)$/,
  deno: /^(test|task)$/,
  go: /^test$/,
  cargo: /^(test|t|nextest)$/,
  dotnet: /^test$/,
  swift: /^test$/,
  zig: /^(test|build)$/,
  mix: /^test$/,
  rake: /^(test|spec)/,
  rails: /^test/,
  make: /^(test|tests|check|spec)/,
  just: /^(test|tests|check)/,
  task: /^(test|tests|check)/,
  mvn: /^(test|verify|surefire.*)$/,
  mvnw: /^(test|verify|surefire.*)$/,
  gradle: /test|check/i,
  gradlew: /test|check/i,
  bazel: /^test$/,
  ctest: /./,
  sbt: /test/,
  lein: /^test$/,
  flutter: /^test$/,
  dart: /^test$/,
  playwright: /^test$/,
  ng: /^test$/,
  nx: /^(test|run-many|affected)$/,
  turbo: /^(test|run)$/,
  python: /^(-m)$/,
  python3: /^(-m)$/,
  node: /^--test$/,
  mise: /^(run|r)$/,
  pixi: /^run$/,
});
/** Words that run a script of a name: it must be about tests. */
const NAMED = /^(run|r|run-script|task|workspace|workspaces|run-many|affected|build|-m)$/;
const TEST_NAME = /^(test|tests|spec|unittest|pytest|nose2?|trial)([:._-].*)?$|[:._-]tests?$/;

/** How a test command's exit code is to be read. */
export type TestRun =
  | 'no'
  | 'test'
  // It hides the tests' exit code: `… | tail`, `… || true`.
  | 'hidden';

export function testRun(command: string): TestRun {
  const text = command.slice(0, 4000);
  if (!QUICK.test(text)) return 'no';
  const parts = text.split(/(\|\||&&|[;|\n&])/);
  let found: TestRun = 'no';
  for (let at = 0; at < parts.length; at += 2) {
    if (!isTest(parts[at]!)) continue;
    const before = parts.slice(0, at).join('');
    const next = nextOperator(parts, at + 1);
    const piped = next === '|' && !/\bset\s+-\w*o?\w*\s*pipefail|-o pipefail/.test(before);
    // `2>&1` is cut at its `&`: what follows is a digit.
    found = piped || next === '||' || next === ';' ? 'hidden' : 'test';
    if (next === ';' && /\bset\s+-\w*e/.test(before)) found = 'test';
  }
  return found;
}

function nextOperator(parts: readonly string[], from: number): string {
  for (let at = from; at < parts.length; at += 2) {
    const follows = parts[at + 1]?.trim() ?? '';
    if (parts[at] === '&' && /^\d/.test(follows)) continue;
    if ((parts[at] === ';' || parts[at] === '\n') && follows === '') continue;
    return parts[at] === '\n' ? ';' : parts[at]!;
  }
  return '';
}

/** A word without the quotes around it. Most words have none: looked at before anything is made anew. */
function bare(word: string): string {
  const first = word.charCodeAt(0);
  const last = word.charCodeAt(word.length - 1);
  const isQuoted = first === 34 || first === 39 || last === 34 || last === 39;
  return isQuoted ? word.replace(/^["']|["']$/g, '') : word;
}

function isTest(part: string): boolean {
  const words = part.trim().split(/\s+/);
  let at = 0;
  for (; at < words.length; at++) {
    const word = bare(words[at]!);
    if (/^\w+=/.test(word) || word.startsWith('-') || /^[({!]+$/.test(word)) continue;
    if (/^(timeout|gtimeout)$/.test(word)) {
      while (at + 1 < words.length && bare(words[at + 1]!).startsWith('-')) at++;
      at++;
      continue;
    }
    if (!WRAPPERS.has(word)) break;
  }
  const name = bare(words[at] ?? '')
    .replace(/^.*\//, '')
    .replace(/^[({!]+/, '');
  const rest = words.slice(at + 1).map(bare);
  if (rest.includes('--help') || rest.includes('--version')) return false;
  if (RUNNERS.has(name)) return true;
  tasks ??= tasksOf();
  const task = Object.hasOwn(tasks, name) ? tasks[name]! : undefined;
  if (task === undefined) return false;
  const verb = rest.findIndex((word) => task.test(word));
  if (verb < 0) return false;
  if (!NAMED.test(rest[verb]!)) return true;
  return rest.slice(verb + 1).some((word) => TEST_NAME.test(word));
}

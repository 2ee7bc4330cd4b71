/** Which prompts are a person's, and what they ask for: by their words alone, asked of every prompt of a session. Pure. */
import type { JsonObject } from './event.ts';

/**
 * Commands of the agents themselves (Claude Code, Codex, Gemini CLI, Copilot CLI, opencode) that no model answers: they
 * show, set or end something. Commands that are prompts (`/init`, `/review`, a project's own) are not among them.
 */
const COMMANDS = new Set(
  (
    'about add-dir agents allowed-tools approvals auth bug chat clear color compact compress config context cost doctor ' +
    'effort exit experimental extensions extra-usage fast feedback fork help hooks ide install-github-app keybindings ' +
    'list-dirs login logout mcp memory mention model models new output-style permissions personality plugin plugins ' +
    'privacy-settings ps quit redo release-notes reload-plugins remote-control remote-env rename reset-allowed-tools ' +
    'resume rewind sandbox session sessions settings skills stats status statusline terminal-setup theme themes ' +
    'todos tools undo upgrade usage vim voice'
  ).split(' '),
);

/** Those that are told something in words. With the others, words are a prompt: `/memory leak in the parser`. */
const TOLD_WORDS = new Set(
  'add-dir bug chat compact compress context feedback fork mention rename resume'.split(' '),
);
/** A command is told no more than a name and a value. */
const MOST_WORDS = 2;

/** `/exit`, `/model opus`; `/src/a.ts is wrong` is none. */
const COMMAND = /^\s*\/([a-z][a-z-]*)(?=\s|$)((?:\s+\S+){0,3})/;
/** As Claude Code writes one down where it is not read by its transcript. */
const WRITTEN = /^\s*<command-(?:name|message)>/;
const WRITTEN_NAME = /<command-name>\s*\/?([a-z][a-z-]*)\s*<\/command-name>/;
/** What agents tell themselves, or what a command of theirs, or of the person's own shell, printed. */
const TOLD = /^\s*<(?:task-notification|local-command-[a-z]+|bash-(?:input|stdout|stderr))>/;

/** A command of the agent's own, or what it printed: nobody asked the model for anything. */
export function isAgentCommand(prompt: string): boolean {
  const written = WRITTEN.test(prompt) ? WRITTEN_NAME.exec(prompt.slice(0, 2000)) : null;
  if (written) return COMMANDS.has(written[1] ?? '');
  const [, name = '', told = ''] = COMMAND.exec(prompt) ?? [];
  if (!COMMANDS.has(name)) return false;
  return TOLD_WORDS.has(name) || told.trim().split(/\s+/).length <= MOST_WORDS;
}

/** What agents tell themselves arrives as a prompt, too; so do commands that no model answers. */
export function isUserPrompt({ source, prompt }: JsonObject, lane: number): boolean {
  if (lane !== 0) return false;
  if (source === 'system' || source === 'poll_event' || source === 'loop_wakeup') return false;
  return typeof prompt !== 'string' || !(TOLD.test(prompt) || isAgentCommand(prompt));
}

/** `write a failing test`, `add two red tests first`, `TDD`; not `fix the failing tests`. */
const FAILING =
  /\b(?:write|add|create|make|commit|need|want|with)\s+(?:me\s+|us\s+)?(?:an?\s+|one\s+|some\s+|two\s+|three\s+)?(?:new\s+)?(?:failing|red)\s+(?:\w+\s+)?(?:tests?|specs?)\b/i;
const MUST_FAIL =
  /\b(?:write|add|create|make|commit|need|want|with)\b[^.\n]{0,40}\b(?:tests?|specs?)\s+(?:that|which)\s+(?:should\s+|must\s+|currently\s+|still\s+|will\s+)*fails?\b[^.\n]{0,40}\b(?:first|now|before|until|without|today)\b/i;
const FIRST =
  /\btest[- ]first\b|\btest[- ]driven\b|\bTDD\b|\b(?:tests?|specs?) (?:should|must|will|has to|have to) (?:still )?fail (?:first|now|at first|for now)\b/i;
/** `Do not write a failing test`; `We do TDD. Fix the failing tests.` */
const NOT =
  /\b(?:not|never|don['’]t)\s+(?:write|add|create|make|commit)\s+(?:an?\s+|any\s+|new\s+)*(?:failing|red)\b|\b(?:fix|repair|mend)\s+(?:\w+\s+){0,3}(?:failing|failed|broken|red)\s+(?:\w+\s+)?(?:tests?|specs?)\b/i;

/** Whether a prompt asks for a test that fails, as far as its words tell. */
export function asksForFailure(prompt: unknown): boolean {
  if (typeof prompt !== 'string') return false;
  const text = prompt.slice(0, 20_000);
  return (FAILING.test(text) || MUST_FAIL.test(text) || FIRST.test(text)) && !NOT.test(text);
}

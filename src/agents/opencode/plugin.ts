/** The file by which opencode loads our recorder: pure text, written by set-up. */

import { CLOSED_REASON } from '../hookEntry.ts';

/** How every version of it begins. */
const OURS = /^\/\/ agent-strace: records what opencode does\b/;

/** Name of the file in opencode's `plugins` folder. */
export const PLUGIN_FILE = 'agent-strace.js';

/**
 * The text of the plugin. All it does is hand opencode's hooks to the recorder, whose failures stay there: nothing
 * is printed, nothing thrown but the guard's no. Without the recorder (it was uninstalled) it is a plugin that does nothing.
 *
 * @param libPath the recorder, `opencode.js` in our lib folder: absolute, or below `$HOME/`
 * @param closed where the recorder is missing or fails, no tool runs
 */
export function pluginText(libPath: string, closed = false): string {
  const inHome = /^\$HOME[\\/]/.test(libPath);
  const rest = JSON.stringify(inHome ? libPath.slice('$HOME'.length) : libPath);
  const path = inHome ? `homedir() + ${rest}` : rest;
  const passes = `error?.agentStraceDenies === true${closed ? ' || name === BEFORE' : ''}`;
  return `// agent-strace: records what opencode does. Written by its set-up; delete the file to stop that.
import { createRequire } from 'node:module';
${inHome ? "import { homedir } from 'node:os';\n" : ''}
${closed ? "const BEFORE = 'tool.execute.before';\n\n" : ''}export const AgentStrace = async (input) => {
  const safe = {};
  try {
    const hooks = createRequire(import.meta.url)(${path}).hooks(input);
    for (const [name, hook] of Object.entries(hooks)) {
      safe[name] = async (...args) => {
        try {
          await hook(...args);
        } catch (error) {
          if (${passes}) throw error;
        }
      };
    }
  } catch {${closed ? CLOSED_HOOK : ''}}
  return safe;
};
`;
}

const CLOSED_HOOK = `
    safe[BEFORE] = async () => {
      throw new Error('${CLOSED_REASON}');
    };
  `;

/** Whether a plugin file is ours, of whichever version. */
export const isOurPlugin = (text: string): boolean => OURS.test(text.replace(/^\ufeff/, ''));

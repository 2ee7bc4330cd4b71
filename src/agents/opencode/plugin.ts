/** The plugin that set-up writes for opencode: a few lines that load the recorder, and do nothing without it. */

const MARK = '// agent-strace: records what opencode does. Written by `agent-strace setup`.';

/**
 * The plugin's text.
 *
 * @param libPath of the recorder's library; one that begins with `~/` is in the user's home
 */
export function pluginText(libPath: string): string {
  return `${MARK}
import { homedir } from 'node:os';

export const AgentStrace = async (context) => {
  try {
    const path = ${JSON.stringify(libPath)}.replace(/^~(?=[\\\\/])/, homedir());
    const lib = await import(path);
    return (await (lib.record ?? lib.default?.record)(context)) ?? {};
  } catch {
    return {};
  }
};
`;
}

/** Whether a file is a plugin of ours, of any version. */
export const isOurPlugin = (text: string): boolean => text.startsWith('// agent-strace:');

/** How opencode is set up: a plugin file of ours. */
import { isAbsolute, join, relative, sep } from 'node:path';
import { stateHome } from '../../trace/paths.ts';
import type { Env } from '../agent.ts';
import { isClosed, sharedWarnings } from '../setup/guardHook.ts';
import { Editor, SettingsError } from '../setup/jsonEdit.ts';
import { homeOf } from '../setup/places.ts';
import type { AgentSetup } from '../setup/plan.ts';
import { isOurPlugin, PLUGIN_FILE, pluginText } from './plugin.ts';

/** What the plugin hears of, in opencode's words. */
const EVENTS = ['event', 'chat.message', 'tool.execute.before', 'tool.execute.after'];

/** The recorder's library as the plugin names it: the same for everybody whose state is in their home. */
function libPath(env: Env | undefined): string {
  const path = join(stateHome(env), 'lib', 'opencode.js');
  const way = relative(homeOf(env), path);
  return way.startsWith('..') || isAbsolute(way) ? path : `$HOME/${way.replaceAll(sep, '/')}`;
}

export const opencodeSetup: AgentSetup = {
  agent: 'opencode',
  scopes: ['user', 'project'],
  atRoot: () => true,
  file({ scope, projectDir, env }) {
    const folder =
      scope === 'user'
        ? join(env?.XDG_CONFIG_HOME || join(homeOf(env), '.config'), 'opencode')
        : join(projectDir, '.opencode');
    return join(folder, 'plugins', PLUGIN_FILE);
  },
  warnings: sharedWarnings,
  edit(options) {
    const wanted = pluginText(libPath(options.env), isClosed(options));
    return {
      events: EVENTS,
      hasOurs: isOurPlugin,
      isUpToDate: (text) => text === wanted,
      add(text) {
        if (text.trim() !== '')
          throw new SettingsError('is not the plugin of agent-strace: move it, or delete it');
        const edit = new Editor(text);
        edit.replace(wanted);
        return edit;
      },
      remove: (text) => (isOurPlugin(text) ? undefined : text),
    };
  },
};

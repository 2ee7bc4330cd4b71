/** How VS Code's own agent is set up: it reads what Copilot CLI reads, in Copilot CLI's words. */
import { copilotSetup } from '../copilot/setup.ts';
import { sharedWarnings } from '../setup/guardHook.ts';
import type { AgentSetup } from '../setup/plan.ts';

export const vscodeSetup: AgentSetup = {
  ...copilotSetup,
  warnings: (options) => [
    ...(options.scope === 'user' && options.env?.COPILOT_HOME
      ? [
          'COPILOT_HOME is set: VS Code reads hooks in ~/.copilot/hooks and not there, unless the setting ' +
            'chat.hookFilesLocations names that folder',
        ]
      : []),
    'hooks of VS Code’s agent are a preview, and the recorder is not tested with a real one',
    ...sharedWarnings(options),
  ],
  next: ({ scope }, agents) => [
    ...(agents.includes('copilot')
      ? []
      : ['Copilot CLI reads the hooks of VS Code’s agent, and is recorded by them, too.']),
    ...(scope === 'project'
      ? [
          'VS Code reads it where the root of the repository is the open folder; in a folder below it with the ' +
            'setting chat.useCustomizationsInParentRepositories.',
        ]
      : []),
  ],
};

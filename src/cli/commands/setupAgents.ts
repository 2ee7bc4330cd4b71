/** Which agents `setup` is about: named, all that are here, or chosen on the terminal. */
import { AGENT_IDS, AGENTS, type AgentId, isAgentId } from '../../agents/agent.ts';
import { type AgentState, lookAtAgents } from '../../agents/installed.ts';
import type { FailMode } from '../../agents/setup/plan.ts';
import type { RecordedBy } from '../../agents/setupPlace.ts';
import { readChoices } from '../../guard/guardHome.ts';
import { MISSING } from '../../model/format.ts';
import { renderTable, type TableColumn } from '../../report/table.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { askLine } from '../ask.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, warn, widthOf } from '../io.ts';
import { homely } from '../traces.ts';

/** Nobody wonders about a second; after that it is said what is waited for. */
const SILENT_MS = 1000;

/** Looks at agents, and says so where it takes long. */
export async function look(
  io: Io,
  agents: readonly AgentId[] = AGENT_IDS,
  fail: FailMode = readChoices(io.env).fail,
): Promise<AgentState[]> {
  const names = agents.length === 1 ? agents[0] : 'the agents’';
  const told = setTimeout(
    () => warn(io, `Asking ${names} --version, up to 10 s …`, 'dim'),
    SILENT_MS,
  );
  try {
    return await lookAtAgents(io.cwd, { env: io.env, fail }, agents);
  } finally {
    clearTimeout(told);
  }
}

/** `setup --list`: what is here, and what is recorded. */
export async function listAgents(io: Io, json: boolean): Promise<number> {
  const states = await look(io);
  if (json) {
    const shown = states.map(({ agent, installed, version, recorded }) => ({
      agent,
      name: AGENTS[agent].name,
      installed,
      version: version ?? null,
      recorded,
    }));
    await printJson(io, shown);
    return EXIT.ok;
  }
  await print(io, `${agentTable(io, states)}${hint(states)}`);
  return EXIT.ok;
}

function agentTable(io: Io, states: readonly AgentState[]): string {
  const style = styleFor(io, io.stdout);
  const columns: TableColumn<AgentState>[] = [
    { title: '--CLI', text: ({ agent }) => agent },
    { title: 'AGENT', text: ({ agent }) => AGENTS[agent].name },
    { title: 'INSTALLED', text: versionText, expendable: 1 },
    { title: 'RECORDED BY', text: recordedText, flexible: true },
  ];
  return renderTable(columns, states, { style, width: widthOf(io) });
}

const versionText = ({ installed, version }: AgentState): string =>
  installed ? sanitizeLine(version ?? 'yes') : 'not found';

const recordedText = ({ installed, recorded }: AgentState): string =>
  (installed && recorded.length === 0 ? MISSING : '') ||
  recorded
    .map(({ file, current }) => `${sanitizeLine(homely(file))}${current ? '' : ' (older)'}`)
    .join(', ');

/** What to do about those that are here and not recorded. */
function hint(states: readonly AgentState[]): string {
  const here = states.filter(({ installed }) => installed);
  const missed = here.filter(({ recorded }) => recorded.length === 0);
  if (missed.length === 0) return '';
  const which = missed.length === here.length ? 'all' : missed.map(({ agent }) => agent).join(',');
  return `\nRecord ${missed.length === 1 ? 'it' : 'them'}: agent-strace setup --cli ${which}\n`;
}

const SCOPE_WORDS: Record<RecordedBy['scope'], string> = {
  local: 'in this project',
  project: 'in this project, for everybody',
  user: 'in all your projects',
};

/** A person chooses on the terminal. @returns undefined where nothing was chosen */
export async function askAgents(
  io: Io,
  states: readonly AgentState[],
  remove: boolean,
): Promise<AgentId[] | undefined> {
  const offered = states.filter(({ installed, recorded }) =>
    remove ? recorded.length > 0 : installed,
  );
  if (offered.length === 0) throw noAgent(remove);
  if (offered.length === 1) return offered.map(({ agent }) => agent);
  const lines = offered.map((state, index) => {
    const recorded = state.recorded.map(({ scope }) => SCOPE_WORDS[scope]);
    const facts = [
      state.version === undefined ? '' : sanitizeLine(state.version),
      recorded.length > 0 ? `recorded ${recorded.join(' and ')}` : '',
    ].filter((fact) => fact !== '');
    const name = AGENTS[state.agent].name.padEnd(14);
    return `  ${index + 1}  ${name} ${facts.join(', ')}`.trimEnd();
  });
  const missing = states.filter(({ installed }) => !installed && !remove);
  if (missing.length > 0) {
    lines.push(`Not found: ${missing.map(({ agent }) => AGENTS[agent].name).join(', ')}`);
  }
  io.stderr.write(`${lines.join('\n')}\n`);
  const what = remove ? 'Stop recording' : 'Record';
  const answer = await askLine(
    io,
    `${what} which? Numbers or names; Enter: all of them; n: none: `,
  );
  if (answer === undefined || /^\s*(n|no|none|q|quit)\s*$/i.test(answer)) return undefined;
  const words = answer.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) return offered.map(({ agent }) => agent);
  const chosen = words.map((word) => {
    const agent = offered[Number(word) - 1]?.agent ?? word.toLowerCase();
    if (!isAgentId(agent)) {
      throw new CliError(`There is no agent "${sanitizeLine(word)}".`, EXIT.usage);
    }
    return agent;
  });
  return [...new Set(chosen)];
}

/** Nothing to choose from. */
export const noAgent = (remove: boolean): CliError =>
  remove
    ? new CliError('No agent is recorded here: there is nothing to remove.', EXIT.none)
    : new CliError(
        'No agent was found on this machine.',
        EXIT.none,
        `Name the one that you will use: agent-strace setup --cli ${AGENT_IDS.join('|')}`,
      );

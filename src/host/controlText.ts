/** What the window says of pausing and ending agents. Pure: texts with places for values, translated by the caller. */
import type { BrakeAction } from '../guard/brake.ts';
import type { ControlReport } from '../guard/control.ts';

/** `{0}` is the agent's name. */
export const DONE: Record<ControlReport['state'], string> = {
  paused: '$(debug-pause) {0} is paused.',
  running: '$(play) {0} goes on.',
  ended: '$(debug-stop) {0} has ended.',
  partly: '$(warning) {0}: not everything could be reached.',
};

/** `{0}` is the reason, a sentence. */
export const FAILED: Record<BrakeAction, string> = {
  pause: 'Could not pause: {0}',
  resume: 'Could not resume: {0}',
  stop: 'Could not stop: {0}',
  kill: 'Could not kill: {0}',
};

/** A line for the log: numbers and names of processes, nothing of what they were told. */
export function logLine(action: BrakeAction, id: string, report: ControlReport): string {
  const list = report.processes
    .filter(({ role }) => role !== 'onlooker')
    .map(({ pid, name, state, why }) => `${pid} ${name} ${state}${why ? ` (${why})` : ''}`);
  const how = report.kind === 'cooperative' ? ' by its hook' : '';
  return `${action} ${id}${how}: ${report.state} in ${report.elapsedMs.toFixed(1)} ms${list.length > 0 ? `: ${list.join(', ')}` : ''}`;
}

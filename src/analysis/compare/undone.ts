import { FLAG, TYPE } from '../../model/columns.ts';
import { commandIn } from '../../model/scriptCommand.ts';
import { STEP_KINDS } from '../../model/step.ts';
import type { AnalysedSession } from '../analysed.ts';

const RUN = STEP_KINDS.indexOf('run');
/** Commands after the last tests that are looked at: the last ones. */
const MOST = 100;

/** Work that is thrown away: `git checkout -- .`, `git reset --hard`. Not `git checkout main`, which keeps it. */
const UNDOES =
  /(?:^|[;&|(\n]\s*)git\s+(?:-C\s+\S+\s+)?(?:checkout\s+(?:\S+\s+)?(?:--\s+\S|\.(?:\s|$))|restore\s+(?!--staged\b)\S|reset\s+(?:\S+\s+)*--hard\b|clean\s+-\w*f|stash(?:\s+(?:push|save|-u|--include-untracked)\b|\s*(?:$|[;&|\n])))/;
const BRINGS_BACK = /\bgit\s+stash\s+(?:pop|apply)\b/;

/**
 * Commands that threw work away after the tests that are said to have tried it. Reads a hundred bodies at most.
 *
 * @param after step of the last tests (0-based)
 */
export function undoneAfter(session: AnalysedSession, after: number): number {
  const { columns, steps } = session.fold;
  const rows: number[] = [];
  for (let step = steps.length - 1; step > after && rows.length < MOST; step--) {
    const row = steps.row(step);
    if (columns.type[row] !== TYPE.tool_call || columns.kind[row] !== RUN) continue;
    if ((columns.flags[row]! & (FLAG.error | FLAG.denied | FLAG.look)) === 0) rows.push(row);
  }
  let undone = 0;
  for (const event of session.readEvents(rows.reverse())) {
    const command = (commandIn(event?.data) ?? '').slice(0, 4000);
    if (BRINGS_BACK.test(command)) undone = 0;
    else if (UNDOES.test(command)) undone++;
  }
  return undone;
}

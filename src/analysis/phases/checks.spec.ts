import { expect, it } from 'vitest';
import { analysed } from '../../../test/analysed.ts';
import { Script } from '../../../test/costSession.ts';
import { sessionChecks } from './checks.ts';

const tested = (result: object): Script =>
  new Script()
    .start(0)
    .prompt(1)
    .call(2, 't', 'Bash', { command: 'pytest' })
    .result(3, 't', 'Bash', { ...result });
const checks = (script: Script) => sessionChecks(analysed(script.fold(), script.events));

it('a test run that was closed without a result did not pass', () => {
  expect(checks(tested({ result: '4 passed' }))).toMatchObject({ runs: 1, last: 'passed' });
  expect(checks(tested({ closed_by: 'Stop' }))).toMatchObject({ runs: 1, last: 'running' });
});

it('a write that is recorded without a call is an edit, too: after the tests, nothing tested it', () => {
  const script = tested({ result: '4 passed' });
  script.events.push({
    event_type: 'file_write',
    timestamp: script.events.at(-1)!.timestamp + 1,
    event_id: 'abcdef012345',
    session_id: script.events[0]!.session_id,
    data: { path: '/p/a.py' },
  });
  script.call(9, 'e', 'Edit', { file_path: '/p/b.py' }).result(10, 'e', 'Edit', { error: 'no' });
  expect(checks(script)).toMatchObject({ edits: 1, editsAfter: 1, last: 'passed' });
});

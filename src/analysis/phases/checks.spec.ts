import { expect, it } from 'vitest';
import { analysed } from '../../../test/analysed.ts';
import { Script } from '../../../test/costSession.ts';
import { sessionChecks } from './checks.ts';
import { sessionPhases } from './sessionPhases.ts';

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

it('tests that print words about failures passed where their exit code says so, not where it is hidden', () => {
  const said = {
    result: ' Test Files  1 failed (1)\n3 failed logins\n# fail 0\n31 passed',
    exit_code: 0,
  };
  const found = checks(tested(said));
  expect(found).toMatchObject({ last: 'passed', passed: 31 });
  expect(found).not.toHaveProperty('failed');
  const hidden = new Script().start(0).prompt(1);
  hidden.call(2, 't', 'Bash', { command: 'pytest | tail' }).result(3, 't', 'Bash', said);
  expect(checks(hidden)).toMatchObject({ last: 'failed', failed: 3 });
  expect(sessionPhases(hidden.fold())[0]).toMatchObject({
    outcome: 'failed',
  });
  const plain = tested(said);
  expect(sessionPhases(plain.fold())[0]).toMatchObject({ outcome: 'ok' });
});

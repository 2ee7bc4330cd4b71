import { describe, expect, it } from 'vitest';
import { asksForFailure, isUserPrompt } from './userPrompt.ts';

const asks = (prompt: string, source?: string): boolean =>
  isUserPrompt({ prompt, ...(source === undefined ? {} : { source }) }, 0);

describe('isUserPrompt', () => {
  it('leaves out commands of the agents that no model answers, and what they print', () => {
    for (const text of [
      '/exit',
      '/clear',
      '/model opus',
      ' /compact keep the names of the tests',
      '/cost',
      '<command-name>/exit</command-name>\n  <command-message>exit</command-message>',
      '<command-message>exit</command-message>\n<command-name>/exit</command-name>',
      '<local-command-stdout>Bye!</local-command-stdout>',
      '<local-command-caveat>Caveat: The messages below',
      '<bash-input>ls</bash-input>',
      '<task-notification>\n<task-id>1</task-id>',
    ]) {
      expect(asks(text), text).toBe(false);
    }
  });

  it('keeps commands that are prompts, paths, and words', () => {
    for (const text of [
      '/init',
      '/review 12',
      '/fix-issue 7',
      '<command-name>/review</command-name>',
      '/model/price.ts is wrong',
      '/cost.ts is wrong',
      '/memory leak in the parser, find it',
      '/new endpoint for the users of a team',
      '/session handling is broken again',
      'use /exit',
      'exit',
      '<model> is not closed',
      '/Exit',
      '',
    ]) {
      expect(asks(text), text).toBe(true);
    }
    expect(asks('go on', 'queue')).toBe(true);
    expect(asks('go on', 'system')).toBe(false);
    expect(isUserPrompt({ prompt: 'go on' }, 1)).toBe(false);
    expect(isUserPrompt({}, 0)).toBe(true);
  });
});

describe('asksForFailure', () => {
  it('tells who asks for a test that fails from who asks to mend one', () => {
    for (const text of [
      'Write a failing test for the parser',
      'Add a failing unit test first, then stop',
      'We do TDD here: begin with the test',
      'Use test-driven development',
      'Write one new red test',
      'Do not write the fix yet, write a failing test',
      'add tests which should fail until the fix is in',
      'The test should fail for now',
    ]) {
      expect(asksForFailure(text), text).toBe(true);
    }
    for (const text of [
      'Fix the failing tests',
      'Write a fix for the failing test',
      'The tests fail, why?',
      'Run the tests that failed',
      'Find out which tests fail',
      'Make the failing tests pass',
      'Do not write a failing test',
      'We do TDD. Fix the failing tests.',
      'Fix the tests that currently fail before we release',
      'The tests that fail now must pass',
      '',
    ]) {
      expect(asksForFailure(text), text).toBe(false);
    }
    expect(asksForFailure(undefined)).toBe(false);
  });
});

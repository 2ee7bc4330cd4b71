/** How VS Code's own agent is told no: in Claude's form, by its documentation. */
import type { Answerer } from '../agent.ts';
import { claudeAnswer, mayAsk } from '../claude/answer.ts';

export const vscodeAnswerer: Answerer = {
  canStop: true,
  promptEvents: ['UserPromptSubmit'],
  canAsk: mayAsk,
  answer: claudeAnswer,
};

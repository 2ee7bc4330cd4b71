/** An explanation as JSON. */
import { isCostKnown } from '../model/summary.ts';
import { wasteSumsJson } from './costPartsJson.ts';
import type { ExplainedPhase, Explanation } from './explainReport.ts';
import { verdict } from './explainWords.ts';
import { phaseJson } from './phaseJson.ts';
import { sessionJson } from './sessionJson.ts';

export function explainJson(explanation: Explanation): object {
  const { id, summary, checks, waste, lines, lookAt, phases, told } = explanation;
  return {
    ...sessionJson(id, summary),
    outcome: verdict(explanation, {
      clean: (text) => text,
      code: (text) => text,
      step: (step) => `step ${step + 1}`,
    }).join(' '),
    files_read: lines.read,
    files_changed: lines.changed,
    lines_added: lines.added,
    lines_removed: lines.removed,
    tests: {
      runs: checks.runs,
      last: checks.last,
      last_step: stepNumber(checks.lastStep),
      edits_after: checks.editsAfter,
    },
    open_step: stepNumber(explanation.openStep),
    commits: { count: checks.commits, last_step: stepNumber(checks.commitStep) },
    phase_count: phases.length,
    phases: told.map((one) => toldJson(one, summary.startedAtMs)),
    waste: wasteSumsJson(waste, isCostKnown(summary.cost)),
    look_at: lookAt.map(({ step, words }) => ({ step: step + 1, reason: words })),
  };
}

function toldJson(told: ExplainedPhase, startMs: number): object {
  const { phase } = told;
  return {
    ...phaseJson(phase, told.name, told.wastedNanoUsd, startMs),
    prompt: told.prompt,
    read: told.read.map(({ path, reads }) => ({ path, reads })),
    changed: told.changed.map(({ path, changes, added, removed, reads }) => ({
      path,
      changes,
      reads,
      added,
      removed,
    })),
    ran: told.calls.map((call) => ({
      kind: call.kind,
      words: call.words,
      count: call.count,
      failed: call.failed,
      test: call.isTest,
      commit: call.isCommit,
      exit_code_hidden: call.hidden,
      detail: call.detail,
      duration_ms: Math.round(call.durationMs),
      steps: call.steps.map((step) => step + 1),
      outcomes: call.outcomes,
    })),
    ran_more: told.moreCalls,
    looked: told.looked,
    failures: told.failures.map(({ step, words, message, mended }) => ({
      step: step + 1,
      words,
      message,
      mended: mended !== 'no',
      came_right: mended === 'right',
      test_first: mended === 'meant',
    })),
    failures_more: told.moreFailures,
    denied_calls: told.denied.map(({ step, words, rule }) => ({ step: step + 1, words, rule })),
    answer: told.answer,
  };
}

const stepNumber = (step: number): number | null => (step < 0 ? null : step + 1);

/** What each real agent does with a hook's answer: what the guard may rely on, and what it must not say. */
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type AnyLab, createLab, type Deeds, type Who } from './anyLab.ts';
import { pooled } from './pooled.ts';
import { type StandInAnswer, standInCalls } from './standIn.ts';

type Asking = Exclude<Who, 'opencode'>;

const BEFORE: Record<Asking, string> = {
  claude: 'PreToolUse',
  codex: 'PreToolUse',
  gemini: 'BeforeTool',
  copilot: 'preToolUse',
};
const PROMPT: Record<Asking, string> = {
  claude: 'UserPromptSubmit',
  codex: 'UserPromptSubmit',
  gemini: 'BeforeAgent',
  copilot: 'userPromptSubmitted',
};
const REASON = 'because-of-the-rule';

/** One agent's words for a decision about a tool. */
function decision(who: Asking, say: 'deny' | 'ask'): object {
  const about = { permissionDecision: say, permissionDecisionReason: REASON };
  if (who === 'gemini') return { decision: say, reason: REASON };
  if (who === 'copilot') return about;
  return { hookSpecificOutput: { hookEventName: 'PreToolUse', ...about } };
}

const OF_TOOLS = /^(Pre|Post|Before|After)Tool|^(before|after)$/i;

const ends = { continue: false, stopReason: REASON };

interface Case {
  who: Who;
  name: string;
  answer: Partial<StandInAnswer>;
  /** The call that was answered ran. */
  ran: boolean;
  /** The next call ran. */
  wentOn: boolean;
  /** The model has read the reason. */
  told: boolean;
  /** Requests that the model saw, where they are what it is about. */
  requests?: number;
}

const obeyed = { ran: false, wentOn: true, told: true };
const ended = { ran: false, wentOn: false, told: false };
const ignored = { ran: true, wentOn: true, told: false };

const ASKING = ['claude', 'codex', 'gemini', 'copilot'] as const;
const CASES: Case[] = [
  ...ASKING.map((who) => ({
    who,
    name: 'deny',
    answer: { stdout: decision(who, 'deny') },
    ...obeyed,
  })),
  {
    who: 'opencode',
    name: 'deny (thrown)',
    answer: { event: 'before', stdout: REASON },
    ...obeyed,
  },
  ...ASKING.map((who) => ({
    who,
    name: 'exit 2',
    answer: { exit: 2, stderr: REASON },
    ...obeyed,
    // Copilot keeps it to itself.
    told: who !== 'copilot',
  })),
  // Nobody sits before these runs.
  { who: 'claude', name: 'ask', answer: { stdout: decision('claude', 'ask') }, ...obeyed },
  { who: 'copilot', name: 'ask', answer: { stdout: decision('copilot', 'ask') }, ...obeyed },
  { who: 'codex', name: 'ask', answer: { stdout: decision('codex', 'ask') }, ...ignored },
  ...(['claude', 'gemini'] as const).map((who) => ({
    who,
    name: 'continue: false and deny',
    answer: { stdout: { ...ends, ...decision(who, 'deny') } },
    ...ended,
    requests: 1,
  })),
  {
    who: 'copilot',
    name: 'continue: false and deny',
    answer: { stdout: { ...ends, ...decision('copilot', 'deny') } },
    ...obeyed,
  },
  {
    // It throws the whole answer away.
    who: 'codex',
    name: 'continue: false and deny',
    answer: { stdout: { ...ends, ...decision('codex', 'deny') } },
    ...ignored,
  },
  ...ASKING.map((who) => ({
    who,
    name: 'a prompt is blocked',
    answer: {
      event: PROMPT[who],
      stdout: { decision: who === 'gemini' ? 'deny' : 'block', reason: REASON },
    },
    ...ended,
    requests: 0,
  })),
  ...(['claude', 'codex', 'gemini'] as const).map((who) => ({
    who,
    name: 'a prompt with continue: false',
    answer: { event: PROMPT[who], stdout: ends },
    ...ended,
    requests: 0,
  })),
  {
    who: 'copilot',
    name: 'a prompt with continue: false',
    answer: { event: PROMPT.copilot, stdout: ends },
    ...ignored,
  },
];

const script: Deeds = {
  main: [[{ run: 'touch harm.txt' }], [{ run: 'touch fine.txt' }], [{ say: 'All over.' }]],
};
const has = ({ projectDir }: AnyLab, file: string): boolean =>
  readdirSync(projectDir).includes(file);

test('what each agent does with an answer', async () => {
  const seen = await pooled(CASES, async ({ who, answer }) => {
    const event = who === 'opencode' ? 'before' : BEFORE[who];
    const about = answer.event !== undefined && who !== 'opencode' ? 'SCENARIO' : 'harm.txt';
    const lab = await createLab(who, script, { answers: [{ event, about, ...answer }] });
    try {
      await lab.run();
      const heard = lab.heard();
      const calls = standInCalls(lab.home);
      const at = calls.findIndex(({ answered }) => answered);
      return {
        ran: has(lab, 'harm.txt'),
        wentOn: has(lab, 'fine.txt'),
        told: heard.includes(REASON),
        requests: heard === '' ? 0 : heard.split('\n').length,
        fired: calls[at] !== undefined,
        after: calls.slice(at + 1).find(({ event: name }) => OF_TOOLS.test(name))?.event ?? '',
      };
    } finally {
      await lab.close();
    }
  });
  const table = CASES.map(({ who, name }, at) => {
    const { ran, wentOn, told } = seen[at]!;
    return { who, name, ran, wentOn, told };
  });
  console.table(table);
  CASES.forEach(({ who, name, ran, wentOn, told, requests }, at) => {
    const { after: next, requests: asked, fired, ...did } = seen[at]!;
    expect({ who, name, fired, ...did }).toEqual({ who, name, fired: true, ran, wentOn, told });
    if (requests !== undefined)
      expect({ who, name, asked }).toEqual({ who, name, asked: requests });
    // A hook after a call is evidence that it ran: no agent fires one for a call that it did not run.
    if (!ran && wentOn) expect(next, who).not.toMatch(/^(PostToolUse|AfterTool|after$)/i);
  });
});

test('a subagent is denied as its caller is, in the background too', async () => {
  const CASES: { who: Who; later: boolean }[] = [
    { who: 'claude', later: false },
    { who: 'claude', later: true },
    { who: 'codex', later: false },
    { who: 'gemini', later: false },
    { who: 'copilot', later: false },
    { who: 'copilot', later: true },
    { who: 'opencode', later: false },
  ];
  await pooled(CASES, async ({ who, later }) => {
    const deny = who === 'opencode' ? REASON : decision(who, 'deny');
    const event = who === 'opencode' ? 'before' : BEFORE[who];
    const lab = await createLab(
      who,
      {
        main: [[{ sub: 'sub', later }], ...(later ? [[{ run: 'sleep 3' }]] : []), [{ say: 'x' }]],
        sub: [
          [{ run: 'touch harm.txt' }],
          [{ write: 'harm2.txt', content: 'x\n' }],
          [{ run: 'touch fine.txt' }],
          [{ say: 'y' }],
        ],
      },
      { answers: [{ event, about: 'harm', stdout: deny }] },
    );
    try {
      await lab.run();
      await vi.waitFor(() =>
        expect({ who, fine: has(lab, 'fine.txt') }).toMatchObject({ fine: true }),
      );
      expect({ who, later, first: has(lab, 'harm.txt'), second: has(lab, 'harm2.txt') }).toEqual({
        who,
        later,
        first: false,
        second: false,
      });
    } finally {
      await lab.close();
    }
  });
});

test('Gemini without a person hangs when it is told to ask, and does not run the tool', async () => {
  const lab = await createLab('gemini', script, {
    answers: [{ event: 'BeforeTool', about: 'harm.txt', stdout: decision('gemini', 'ask') }],
  });
  try {
    const run = lab.start();
    const asked = () => standInCalls(lab.home).some(({ event }) => event === 'Notification');
    await vi.waitFor(() => expect(asked()).toBe(true), 30_000);
    await sleep(1500);
    expect(run.child.exitCode).toBeNull();
    expect(has(lab, 'harm.txt')).toBe(false);
  } finally {
    await lab.close();
  }
});

test.each([false, true])(
  'Claude whose hooks are switched off meanwhile; blocked: %s',
  async (block) => {
    const off = `{"disableAllHooks":true}`;
    const lab = await createLab(
      'claude',
      (dir) => ({
        main: [
          [{ run: `sleep 1; printf '${off}' > ${dir}/.claude/settings.json; sleep 2` }],
          [{ run: 'touch harm.txt' }],
          [{ say: 'x' }],
        ],
      }),
      {
        answers: [
          { event: 'PreToolUse', about: 'touch harm.txt', stdout: decision('claude', 'deny') },
          ...(block ? [{ event: 'ConfigChange', stdout: { decision: 'block', reason: 'x' } }] : []),
        ],
      },
    );
    try {
      await lab.run();
      expect(standInCalls(lab.home).map(({ event }) => event)).toContain('ConfigChange');
      expect(existsSync(`${lab.projectDir}/harm.txt`)).toBe(!block);
    } finally {
      await lab.close();
    }
  },
);

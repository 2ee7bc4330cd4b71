/** What each real agent does with a hook's answer: what the guard may rely on, and what it must not say. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type AnyLab, createLab, type Deeds, type Turn, WHO, type Who } from './anyLab.ts';
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
/** So that each can be told from the others. */
const reasonOf = (name: string): string => `because-of-${name}`;

/** One agent's words for a decision about a tool. */
function decision(who: Asking, say: 'deny' | 'ask', reason: string): object {
  const about = { permissionDecision: say, permissionDecisionReason: reason };
  if (who === 'gemini') return { decision: say, reason };
  if (who === 'copilot') return about;
  return { hookSpecificOutput: { hookEventName: 'PreToolUse', ...about } };
}

type Answer = Pick<StandInAnswer, 'stdout' | 'stderr' | 'exit'>;

interface Fate {
  /** The call that was answered ran. */
  ran: boolean;
  /** The next call ran. */
  wentOn: boolean;
  /** The model has read the reason. */
  told: boolean;
}

const obeyed: Fate = { ran: false, wentOn: true, told: true };
const ended: Fate = { ran: false, wentOn: false, told: false };
const ignored: Fate = { ran: true, wentOn: true, told: false };

interface Call extends Fate {
  who: Who;
  name: string;
  answer: Answer;
}

const call = (who: Who, name: string, answer: Answer, fate: Fate): Call => ({
  who,
  name,
  answer,
  ...fate,
});
const ends = (reason: string): object => ({ continue: false, stopReason: reason });
const stops = (who: Asking): Answer => {
  const reason = reasonOf('stop');
  return { stdout: { ...ends(reason), ...decision(who, 'deny', reason) } };
};
const asks = (who: Asking): Answer => ({ stdout: decision(who, 'ask', reasonOf('ask')) });

const ASKING = ['claude', 'codex', 'gemini', 'copilot'] as const;
/** Of one agent they are made in this order, in one session. */
const CALLS: Call[] = [
  ...ASKING.map((who) =>
    call(who, 'deny', { stdout: decision(who, 'deny', reasonOf('deny')) }, obeyed),
  ),
  call('opencode', 'deny', { stdout: reasonOf('deny') }, obeyed),
  ...ASKING.map((who) =>
    // Copilot keeps it to itself.
    call(
      who,
      'exit',
      { exit: 2, stderr: reasonOf('exit') },
      { ...obeyed, told: who !== 'copilot' },
    ),
  ),
  // Nobody sits before these runs.
  call('claude', 'ask', asks('claude'), obeyed),
  call('copilot', 'ask', asks('copilot'), obeyed),
  call('codex', 'ask', asks('codex'), ignored),
  // `continue: false` beside a deny.
  call('copilot', 'stop', stops('copilot'), obeyed),
  // It throws the whole answer away.
  call('codex', 'stop', stops('codex'), ignored),
  call('claude', 'stop', stops('claude'), ended),
  call('gemini', 'stop', stops('gemini'), ended),
];

/** What subagents try, in front or behind the back of their caller. */
const SUBS: Record<Who, ('front' | 'back')[]> = {
  claude: ['front', 'back'],
  codex: ['front'],
  gemini: ['front'],
  copilot: ['front', 'back'],
  opencode: ['front'],
};
const BEFORE_TOOL = (who: Who): string => (who === 'opencode' ? 'before' : BEFORE[who]);
const has = ({ projectDir }: AnyLab, file: string): boolean =>
  readdirSync(projectDir).includes(file);
const run = (command: string): Turn => ({ deeds: [{ run: command }] });
const HOOKS_OFF = '{"disableAllHooks":true}';

function answersOf(who: Who): StandInAnswer[] {
  const event = BEFORE_TOOL(who);
  const reason = reasonOf('subagent');
  const stdout = who === 'opencode' ? reason : decision(who, 'deny', reason);
  return [
    ...CALLS.filter((one) => one.who === who).map(({ name, answer }) => ({
      event,
      about: `harm-${name}.txt`,
      ...answer,
    })),
    { event, about: 'harm-sub', stdout },
    { event, about: 'harm-config', stdout },
    { event: 'ConfigChange', stdout: { decision: 'block', reason } },
    // A prompt that Copilot lets through, whatever is said.
    ...(who === 'copilot' ? [{ event: PROMPT.copilot, stdout: ends(reason) }] : []),
  ];
}

async function played(who: Who) {
  const calls = CALLS.filter((one) => one.who === who);
  const tries = ({ name }: Call): Turn[] => [
    run(`touch harm-${name}.txt`),
    run(`touch fine-${name}.txt`),
  ];
  const fires = (event: string) => standInCalls(lab.home).some((one) => one.event === event);
  const until = async (what: () => boolean) =>
    await vi.waitFor(() => expect(what()).toBe(true), { timeout: 20_000, interval: 50 });
  const switched = async (): Promise<void> => {
    writeFileSync(join(lab.projectDir, '.claude/settings.json'), HOOKS_OFF);
    await until(() => fires('ConfigChange'));
  };
  // Those that end the session come last.
  const [goOn, end] = [calls.filter(({ wentOn }) => wentOn), calls.filter((one) => !one.wentOn)];
  const script: Deeds = {
    main: [
      ...goOn.flatMap(tries),
      ...SUBS[who].flatMap((name): Turn[] => [
        { deeds: [{ sub: name, later: name === 'back' }] },
        {
          ...run(`echo ${name}`),
          // Its caller may be done before it.
          gate: async () => await until(() => has(lab, `fine-sub-${name}.txt`)),
        },
      ]),
      ...(who === 'claude' ? [{ ...run('touch harm-config.txt'), gate: switched }] : []),
      ...end.flatMap(tries),
      [{ say: 'All over.' }],
    ],
    ...Object.fromEntries(
      SUBS[who].map((name) => [
        name,
        [
          run(`touch harm-sub-${name}.txt`),
          { deeds: [{ write: `harm-sub-${name}2.txt`, content: 'x\n' }] },
          run(`touch fine-sub-${name}.txt`),
          { deeds: [{ say: 'Helped.' }] },
        ],
      ]),
    ),
  };
  const lab: AnyLab = await createLab(who, script, { answers: answersOf(who) });
  try {
    await lab.run();
    const heard = lab.heard();
    const hooks = standInCalls(lab.home);
    return {
      calls: calls.map(({ name, ...expected }) => {
        const about = hooks.filter(({ payload }) =>
          JSON.stringify(payload).includes(`harm-${name}.txt`),
        );
        const seen = {
          ran: has(lab, `harm-${name}.txt`),
          wentOn: has(lab, `fine-${name}.txt`),
          told: heard.includes(reasonOf(name)),
        };
        const { ran, wentOn, told } = expected;
        return {
          who,
          name,
          seen,
          expected: { ran, wentOn, told },
          fired: about.some(({ answered }) => answered),
          after: about.filter(({ event }) => AFTER_TOOL.test(event)).map(({ event }) => event),
        };
      }),
      subs: SUBS[who].map((name) => ({
        who,
        name,
        first: has(lab, `harm-sub-${name}.txt`),
        second: has(lab, `harm-sub-${name}2.txt`),
        fine: has(lab, `fine-sub-${name}.txt`),
      })),
      switched: has(lab, 'harm-config.txt'),
    };
  } finally {
    await lab.close();
  }
}

/** That a call has run: no agent fires one for a call that it did not run. */
const AFTER_TOOL = /^(PostToolUse|PostToolUseFailure|AfterTool|postToolUseFailure|after)$/i;

test('what each agent does with an answer, in its subagents too', async () => {
  const all = await pooled(WHO, played);
  console.table(
    all.flatMap(({ calls }) => calls.map(({ who, name, seen }) => ({ who, name, ...seen }))),
  );
  console.table(all.flatMap(({ subs }) => subs));
  for (const { calls, subs, switched } of all) {
    for (const { who, name, seen, expected, fired, after } of calls) {
      expect.soft({ who, name, fired, ...seen }).toEqual({ who, name, fired: true, ...expected });
      if (!seen.ran) expect.soft(after, `${who} ${name}`).toEqual([]);
    }
    for (const seen of subs) {
      expect.soft(seen).toMatchObject({ first: false, second: false, fine: true });
    }
    // Claude whose hooks are switched off meanwhile keeps them where the change is blocked.
    expect.soft(switched).toBe(false);
  }
});

const one: Deeds = { main: [run('touch harm.txt'), [{ say: 'All over.' }]] };

/** What is said of the prompt, and whether the agent takes it for a no. */
const PROMPTS: { who: Asking; name: string; stdout: object }[] = [
  ...ASKING.map((who) => ({
    who,
    name: 'block',
    stdout: { decision: who === 'gemini' ? 'deny' : 'block', reason: reasonOf('prompt') },
  })),
  ...(['claude', 'codex', 'gemini'] as const).map((who) => ({
    who,
    name: 'continue: false',
    stdout: ends(reasonOf('prompt')),
  })),
];

test('a prompt that is denied reaches no model', async () => {
  const all = await pooled(PROMPTS, async ({ who, name, stdout }) => {
    const answers = [{ event: PROMPT[who], about: 'SCENARIO', stdout }];
    const lab = await createLab(who, one, { answers });
    try {
      await lab.run();
      const fired = standInCalls(lab.home).some(({ answered }) => answered);
      return { who, name, fired, heard: lab.heard() };
    } finally {
      await lab.close();
    }
  });
  for (const { who, name } of PROMPTS) {
    expect.soft(all).toContainEqual({ who, name, fired: true, heard: '' });
  }
});

test('Gemini without a person hangs when it is told to ask, and does not run the tool', async () => {
  const lab = await createLab('gemini', one, {
    answers: [
      { event: 'BeforeTool', about: 'harm.txt', stdout: decision('gemini', 'ask', 'because') },
    ],
  });
  try {
    const started = lab.start();
    const asked = () => standInCalls(lab.home).some(({ event }) => event === 'Notification');
    await vi.waitFor(() => expect(asked()).toBe(true), 30_000);
    await sleep(1500);
    expect(started.child.exitCode).toBeNull();
    expect(has(lab, 'harm.txt')).toBe(false);
  } finally {
    await lab.close();
  }
});

test('Claude whose hooks are switched off meanwhile has none from then on', async () => {
  const lab: AnyLab = await createLab(
    'claude',
    {
      main: [
        run('touch harm-first.txt'),
        {
          ...run('touch harm.txt'),
          gate: async () => {
            writeFileSync(join(lab.projectDir, '.claude/settings.json'), HOOKS_OFF);
            const events = () => standInCalls(lab.home).map(({ event }) => event);
            await vi.waitFor(() => expect(events()).toContain('ConfigChange'), 20_000);
            // The change holds a moment after its hook.
            await sleep(500);
          },
        },
        [{ say: 'x' }],
      ],
    },
    {
      answers: [
        { event: 'PreToolUse', about: 'touch harm', stdout: decision('claude', 'deny', 'because') },
      ],
    },
  );
  try {
    await lab.run();
    expect(has(lab, 'harm-first.txt')).toBe(false);
    expect(has(lab, 'harm.txt')).toBe(true);
  } finally {
    await lab.close();
  }
});

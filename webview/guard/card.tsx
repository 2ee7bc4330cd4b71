import { formatClock, formatElapsed } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { CardAct, GuardCard, GuardFact, GuardProcess } from '../../src/protocol/guard.ts';
import { Icon, type IconName } from '../shared/icons.tsx';
import type { GuardApp } from './app.ts';
import { RuleChip } from './rule.tsx';

const TONE_ICONS: Record<GuardCard['tone'], IconName> = {
  paused: 'debug-pause',
  ended: 'debug-stop',
  alarm: 'warning',
  failed: 'error',
  settled: 'pass',
};

const FACT_ICONS: Record<GuardFact['icon'], IconName> = {
  denied: 'circle-slash',
  run: 'terminal',
  cost: 'graph',
  ok: 'check',
  warning: 'warning',
};

/** What tripped, what stands still, what was prevented, and what a person can do. */
export function Card({ app, card }: { app: GuardApp; card: GuardCard }) {
  const { id, tone } = card;
  const headId = `head-${id}`;
  const detailId = `detail-${id}`;
  return (
    <section
      class={`card ${tone}`}
      id={`at-${id}`}
      role="alertdialog"
      aria-labelledby={headId}
      aria-describedby={detailId}
      aria-busy={card.busy !== undefined}
    >
      <header class="card-head">
        <Icon name={TONE_ICONS[tone]} class="tone-icon" />
        <div class="card-title">
          <h2 id={headId}>{visibleText(card.headline)}</h2>
          <p class="muted" id={detailId}>
            <Where app={app} card={card} />
          </p>
        </div>
        <RuleChip rule={card.rule} onOpen={() => app.openRule(id)} />
        <button
          type="button"
          class="icon-button"
          aria-label="Open the session's replay"
          title="Open the session's replay"
          onClick={() => app.openSession(id)}
        >
          <Icon name="history" />
        </button>
      </header>
      {tone !== 'settled' && (
        <>
          {card.rule.message && <p class="card-message">{visibleText(card.rule.message)}</p>}
          <div class="card-body">
            <Processes card={card} />
            <Facts card={card} />
          </div>
        </>
      )}
      {card.problem && (
        <p class="card-problem" role="alert">
          <Icon name="error" /> <span>{visibleText(card.problem)}</span>
        </p>
      )}
      <Acts app={app} card={card} />
    </section>
  );
}

const SINCE: Record<GuardCard['tone'], string> = {
  paused: 'paused ',
  ended: '',
  alarm: 'seen ',
  failed: '',
  settled: '',
};

function Where({ app, card }: { app: GuardApp; card: GuardCard }) {
  const parts = [
    ...(card.title ? [visibleText(card.title)] : []),
    ...(card.project ? [visibleText(card.project)] : []),
    `${SINCE[card.tone]}${formatElapsed(app.nowMs - card.atMs)} ago, at ${clock(card.atMs)}`,
  ];
  return <>{parts.join(' · ')}</>;
}

function Processes({ card }: { card: GuardCard }) {
  const { processes } = card;
  const frozen = processes.some(({ state }) => state === 'frozen');
  const heading = frozen ? 'Frozen processes' : 'Processes';
  return (
    <div class="processes">
      <div class="part-head">
        <h3>{heading}</h3>
        <span class="muted">{visibleText(card.processNote)}</span>
      </div>
      {processes.length > 0 && (
        <>
          <ul aria-label={heading}>
            {processes.map((one) => (
              <Process key={one.pid} process={one} />
            ))}
          </ul>
          {processes.some(({ state }) => state !== 'leftAlone') && (
            <p class="muted caption">
              Process id, start time, user and program were checked first.
            </p>
          )}
        </>
      )}
    </div>
  );
}

const STATES: Record<GuardProcess['state'], { icon: IconName; word: string }> = {
  frozen: { icon: 'debug-pause', word: 'frozen' },
  running: { icon: 'play', word: 'running' },
  gone: { icon: 'debug-stop', word: 'gone' },
  leftAlone: { icon: 'circle-slash', word: 'left alone' },
};

function Process({ process }: { process: GuardProcess }) {
  const { icon, word } = STATES[process.state];
  const depth = Math.min(process.depth, 6);
  return (
    <li class={`process ${process.state}`}>
      <span class="process-name cut">
        {depth > 0 && (
          <span class={`branch depth-${depth}`} aria-hidden="true">
            └─
          </span>
        )}
        <code>{visibleText(process.name)}</code>
        {process.why && <span class="muted"> {visibleText(process.why)}</span>}
      </span>
      <code class="pid muted">{process.pid}</code>
      <span class="process-state">
        <Icon name={icon} /> {word}
      </span>
    </li>
  );
}

function Facts({ card }: { card: GuardCard }) {
  const heading = card.tone === 'alarm' ? 'What happened' : 'What this prevented';
  return (
    <div class="facts">
      <h3>{heading}</h3>
      <ul aria-label={heading}>
        {card.facts.map((fact) => (
          <li key={`${fact.icon} ${fact.text}`} class={`fact ${fact.icon}`}>
            <Icon name={FACT_ICONS[fact.icon]} />
            <span>
              {visibleText(fact.text)}
              {fact.code && <code class="fact-code">{visibleText(fact.code)}</code>}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const BUSY: Record<CardAct, string> = {
  resume: 'Resuming…',
  raise: 'Resuming…',
  pause: 'Pausing…',
  stop: 'Stopping…',
  kill: 'Killing…',
  dismiss: 'Dismissing…',
};

const UNDO: Partial<Record<CardAct, string>> = { pause: 'Pause again' };

function Acts({ app, card }: { app: GuardApp; card: GuardCard }) {
  const { can, busy, done, id } = card;
  const agent = visibleText(card.agent);
  const first = can[0];
  const button = (act: CardAct, label: string, title: string, extra = '') =>
    can.includes(act) && (
      <button
        type="button"
        class={`button ${extra}`}
        data-first={act === first ? '' : undefined}
        title={title}
        // Not `disabled`: the focus would be lost.
        aria-disabled={busy !== undefined}
        onClick={() => busy === undefined && app.act(id, act)}
      >
        {label}
      </button>
    );
  return (
    <footer class="acts">
      {button('resume', 'Resume', `Let ${agent} go on; the rule asks again`, 'primary')}
      {button(
        'raise',
        card.raiseTo
          ? `Resume and raise limit to ${visibleText(card.raiseTo)}`
          : 'Resume and raise limit',
        'For this session only',
      )}
      {button(
        'dismiss',
        'Dismiss',
        'Take this from the list',
        first === 'dismiss' ? 'primary' : '',
      )}
      <span class="acts-say" role="status">
        {busy && BUSY[busy]}
        {!busy && done && `${visibleText(done.text)} ${clock(done.atMs)}`}
      </span>
      {!busy && done?.undo && (
        <button type="button" class="link" onClick={() => app.act(id, done.undo as CardAct)}>
          {UNDO[done.undo] ?? 'Undo'}
        </button>
      )}
      {card.cannot && <span class="muted cannot">{visibleText(card.cannot)}</span>}
      <span class="acts-gap" />
      {card.postmortem && (
        <button type="button" class="button" onClick={() => app.openPostmortem(id)}>
          Open post-mortem
        </button>
      )}
      {button('stop', 'Stop', `Ask ${agent} to end; after some seconds it is killed`)}
      {button('kill', 'Kill', `End ${agent} and all it runs at once (asks first)`, 'danger')}
    </footer>
  );
}

/** `14:31:20`, local time. */
export function clock(ms: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return formatClock(Number.NaN);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

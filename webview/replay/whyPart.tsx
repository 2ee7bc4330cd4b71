import { plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReplayApp } from './app.ts';
import { IconOf, stepNumber } from './stepWords.tsx';
import type { WhyLink } from './wire.ts';

/** How sure a link is, in words for whoever asks. */
const SURE: Record<WhyLink['sure'], string> = {
  asked: 'A person or the agent said so',
  evidence: 'The trace shows it',
  likely: 'It fits, and nothing shows it',
};

/** What led to the step, cause first. The last answer stays while the playhead moves. */
export function WhyChainView({ app }: { app: ReplayApp }) {
  const { chain } = app.why;
  if (chain === undefined) return <p class="dim">Looking for the cause …</p>;
  if (chain === null || (chain.links.length < 2 && !chain.complete)) {
    return <p class="dim">No cause found in the trace.</p>;
  }
  const { links, cut, complete } = chain;
  return (
    <>
      {!complete && <p class="small">The trace does not tell what came before this.</p>}
      <ol class={`why ${chain.step === app.step ? '' : 'old'}`}>
        {links.map((link, i) => (
          <Link key={link.step} app={app} link={link} between={i === 0 ? cut : 0} />
        ))}
      </ol>
    </>
  );
}

function Link({ app, link, between }: { app: ReplayApp; link: WhyLink; between: number }) {
  const { step, reason, sure, words, evidence } = link;
  const here = reason === 'here';
  const key = `why ${step}`;
  const open = app.look.unfolded.has(key);
  return (
    <li class={here ? 'here-link' : ''}>
      <IconOf app={app} step={step} />
      <button type="button" class="link why-step" onClick={() => app.goTo(step)}>
        <span class="sr-only">Step </span>
        {stepNumber(app, step)}
      </button>
      <span class="why-words">
        <span class={open ? '' : 'why-cut'}>{visibleText(words)}</span>
        {open && evidence && <span class="why-evidence">{visibleText(evidence)}</span>}
        {between > 0 && <span class="why-evidence">{plural(between, 'link')} left out here</span>}
      </span>
      {here ? (
        <span class="muted">you are here</span>
      ) : evidence ? (
        <button
          type="button"
          class="why-sure"
          aria-expanded={open}
          title={`${SURE[sure]}: ${visibleText(evidence)}`}
          onClick={() => app.look.unfold(key)}
        >
          {sure}
        </button>
      ) : (
        <span class="muted" title={SURE[sure]}>
          {sure}
        </span>
      )}
    </li>
  );
}

export const whyAside = ({ why: { chain }, step }: ReplayApp): string =>
  chain && chain.step !== step ? `of step ${chain.step + 1}` : 'cause first, this step last';

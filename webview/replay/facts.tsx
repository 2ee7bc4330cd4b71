import type { ComponentChildren } from 'preact';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReplayApp } from './app.ts';
import { stepWords } from './stepWords.tsx';

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** @param text what to call it, if not by its words */
export function StepLink({
  app,
  step,
  text,
}: {
  app: ReplayApp;
  step: number;
  text?: string | undefined;
}) {
  app.words.want([step]);
  return (
    <button type="button" class="link step-link cut" onClick={() => app.goTo(step)}>
      {text === undefined ? stepWords(app, step) : visibleText(text)}
    </button>
  );
}

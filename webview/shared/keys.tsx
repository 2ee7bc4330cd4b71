import { useEffect, useRef } from 'preact/hooks';

/** Someone writes: keys are letters, not commands. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    event.isComposing ||
    (target instanceof HTMLElement &&
      (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)))
  );
}

/** Name of a key with its modifiers, as the key lists write it: `Shift+E`, `/`, `ArrowDown`. */
export function keyName({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  const name = /^[a-z]$/i.test(key) ? key.toUpperCase() : key;
  const shift = shiftKey && (name.length > 1 || /^[A-Z]$/.test(name));
  return `${ctrlKey ? 'Ctrl+' : ''}${metaKey ? 'Meta+' : ''}${altKey ? 'Alt+' : ''}${shift ? 'Shift+' : ''}${name}`;
}

/**
 * Does what a key stands for, while nobody types, no dialog is open, and no control has taken the key.
 *
 * @param keys by {@link keyName}
 * @param isMine whether the key is one of these now, by where the focus is
 * @returns how to stop
 */
export function listenToKeys(
  keys: Readonly<Record<string, () => void>>,
  isMine: (target: EventTarget | null, key: string) => boolean,
): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]')) {
      return;
    }
    const key = keyName(event);
    const run = keys[key];
    if (!run || !isMine(event.target, key)) return;
    event.preventDefault();
    run();
  };
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}

/** The list of keys (`?`): a dialog over the page; Esc closes it. */
export function KeyList({
  keys,
  wide,
  onClose,
}: {
  keys: readonly (readonly [key: string, does: string])[];
  /** In two columns, where there is room. */
  wide?: boolean;
  onClose(): void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class={wide ? 'keys wide' : 'keys'}
      aria-labelledby="keys-title"
      onClose={onClose}
    >
      <h2 id="keys-title">Keys</h2>
      <dl>
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

/** How far up from where the pointer is a text is looked for that is cut. */
const LEVELS = 3;

/** What does not fit says itself in whole where the pointer rests on it, unless something around it has a title of its own. */
export function titleWhatIsCut(): void {
  let titled: Element | undefined;
  document.addEventListener('pointerover', ({ target }) => {
    titled?.removeAttribute('title');
    titled = undefined;
    let element = target instanceof Element ? target : null;
    if (element?.closest('[title]')) return;
    for (let level = 0; element && level < LEVELS; level++, element = element.parentElement) {
      if (element.scrollWidth <= element.clientWidth) continue;
      if (getComputedStyle(element).textOverflow !== 'ellipsis') continue;
      element.setAttribute('title', element.textContent?.trim() ?? '');
      titled = element;
      return;
    }
  });
}

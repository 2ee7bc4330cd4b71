/** Most texts whose widths are remembered. */
const KEEP = 8000;
/** Fonts: two sizes and weights, of the themes that a person tries. */
const FONTS = 20;
/** Longer than any place that it could be shown in. */
const MOST = 200;

/** Widths of texts on the canvas; measuring is slow, so they are remembered. */
export class TextSizes {
  private readonly fonts = new Map<string, Map<string, number>>();
  private widths = new Map<string, number>();

  /** The font that the context is given: asking it for its font is as slow as measuring. */
  use(font: string): string {
    let widths = this.fonts.get(font);
    if (!widths) {
      if (this.fonts.size > FONTS) this.fonts.clear();
      widths = new Map();
      this.fonts.set(font, widths);
    }
    this.widths = widths;
    return font;
  }

  width(context: CanvasRenderingContext2D, text: string): number {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > KEEP) this.widths.clear();
      width = context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }

  /** The text, cut with an ellipsis where it has no room; empty where not even a few letters have. */
  cut(context: CanvasRenderingContext2D, text: string, room: number): string {
    const whole = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
    const width = this.width(context, whole);
    if (width <= room) return whole;
    if (room < 18) return '';
    let letters = [...whole];
    // By its share, then letter by letter: two or three tries.
    letters = letters.slice(0, Math.max(1, Math.floor((letters.length * room) / width)));
    while (letters.length > 1 && this.width(context, `${letters.join('')}…`) > room) letters.pop();
    return letters.length > 1 ? `${letters.join('').trimEnd()}…` : '';
  }
}

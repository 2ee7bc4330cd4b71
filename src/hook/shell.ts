/** The reader of commands, as a bundle of its own: calls that are no commands do without. */
import * as reader from '../guard/shell/readCommand.ts';

export const readCommand = reader.readCommand;

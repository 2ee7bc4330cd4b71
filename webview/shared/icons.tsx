/** The codicons that pages use, drawn inline: a few KB instead of the whole font of 126 KB. */
import account from '@vscode/codicons/src/icons/account.svg' with { type: 'text' };
import archive from '@vscode/codicons/src/icons/archive.svg' with { type: 'text' };
import arrowDown from '@vscode/codicons/src/icons/arrow-down.svg' with { type: 'text' };
import arrowSwap from '@vscode/codicons/src/icons/arrow-swap.svg' with { type: 'text' };
import arrowUp from '@vscode/codicons/src/icons/arrow-up.svg' with { type: 'text' };
import bell from '@vscode/codicons/src/icons/bell.svg' with { type: 'text' };
import book from '@vscode/codicons/src/icons/book.svg' with { type: 'text' };
import bookmark from '@vscode/codicons/src/icons/bookmark.svg' with { type: 'text' };
import check from '@vscode/codicons/src/icons/check.svg' with { type: 'text' };
import chevronDown from '@vscode/codicons/src/icons/chevron-down.svg' with { type: 'text' };
import chevronLeft from '@vscode/codicons/src/icons/chevron-left.svg' with { type: 'text' };
import chevronRight from '@vscode/codicons/src/icons/chevron-right.svg' with { type: 'text' };
import circleSlash from '@vscode/codicons/src/icons/circle-slash.svg' with { type: 'text' };
import close from '@vscode/codicons/src/icons/close.svg' with { type: 'text' };
import comment from '@vscode/codicons/src/icons/comment.svg' with { type: 'text' };
import copy from '@vscode/codicons/src/icons/copy.svg' with { type: 'text' };
import debugPause from '@vscode/codicons/src/icons/debug-pause.svg' with { type: 'text' };
import debugStepBack from '@vscode/codicons/src/icons/debug-step-back.svg' with { type: 'text' };
import debugStepOver from '@vscode/codicons/src/icons/debug-step-over.svg' with { type: 'text' };
import debugStop from '@vscode/codicons/src/icons/debug-stop.svg' with { type: 'text' };
import edit from '@vscode/codicons/src/icons/edit.svg' with { type: 'text' };
import error from '@vscode/codicons/src/icons/error.svg' with { type: 'text' };
import exportIcon from '@vscode/codicons/src/icons/export.svg' with { type: 'text' };
import file from '@vscode/codicons/src/icons/file.svg' with { type: 'text' };
import filter from '@vscode/codicons/src/icons/filter.svg' with { type: 'text' };
import folderOpened from '@vscode/codicons/src/icons/folder-opened.svg' with { type: 'text' };
import gitCompare from '@vscode/codicons/src/icons/git-compare.svg' with { type: 'text' };
import globe from '@vscode/codicons/src/icons/globe.svg' with { type: 'text' };
import graph from '@vscode/codicons/src/icons/graph.svg' with { type: 'text' };
import history from '@vscode/codicons/src/icons/history.svg' with { type: 'text' };
import info from '@vscode/codicons/src/icons/info.svg' with { type: 'text' };
import link from '@vscode/codicons/src/icons/link.svg' with { type: 'text' };
import loading from '@vscode/codicons/src/icons/loading.svg' with { type: 'text' };
import note from '@vscode/codicons/src/icons/note.svg' with { type: 'text' };
import pass from '@vscode/codicons/src/icons/pass.svg' with { type: 'text' };
import play from '@vscode/codicons/src/icons/play.svg' with { type: 'text' };
import plug from '@vscode/codicons/src/icons/plug.svg' with { type: 'text' };
import pulse from '@vscode/codicons/src/icons/pulse.svg' with { type: 'text' };
import question from '@vscode/codicons/src/icons/question.svg' with { type: 'text' };
import refresh from '@vscode/codicons/src/icons/refresh.svg' with { type: 'text' };
import robot from '@vscode/codicons/src/icons/robot.svg' with { type: 'text' };
import search from '@vscode/codicons/src/icons/search.svg' with { type: 'text' };
import shield from '@vscode/codicons/src/icons/shield.svg' with { type: 'text' };
import sparkle from '@vscode/codicons/src/icons/sparkle.svg' with { type: 'text' };
import terminal from '@vscode/codicons/src/icons/terminal.svg' with { type: 'text' };
import thinking from '@vscode/codicons/src/icons/thinking.svg' with { type: 'text' };
import tools from '@vscode/codicons/src/icons/tools.svg' with { type: 'text' };
import trash from '@vscode/codicons/src/icons/trash.svg' with { type: 'text' };
import warning from '@vscode/codicons/src/icons/warning.svg' with { type: 'text' };
import untrusted from '@vscode/codicons/src/icons/workspace-untrusted.svg' with { type: 'text' };

const SOURCES = {
  account,
  archive,
  'arrow-down': arrowDown,
  bell,
  check,
  'chevron-down': chevronDown,
  'circle-slash': circleSlash,
  close,
  comment,
  'debug-pause': debugPause,
  'debug-stop': debugStop,
  edit,
  error,
  file,
  'folder-opened': folderOpened,
  globe,
  graph,
  info,
  loading,
  play,
  plug,
  pulse,
  refresh,
  robot,
  search,
  shield,
  sparkle,
  terminal,
  thinking,
  tools,
  warning,
  'arrow-swap': arrowSwap,
  'arrow-up': arrowUp,
  copy,
  'git-compare': gitCompare,
  book,
  bookmark,
  export: exportIcon,
  filter,
  link,
  note,
  trash,
  'chevron-left': chevronLeft,
  'chevron-right': chevronRight,
  'debug-step-back': debugStepBack,
  'debug-step-over': debugStepOver,
  history,
  pass,
  question,
  'workspace-untrusted': untrusted,
};

export type IconName = keyof typeof SOURCES;

interface Drawing {
  viewBox: string;
  path: string;
}

const drawings = new Map<IconName, Drawing>();

/** Codicons are one colour and made of paths only, so that one path draws them. */
function drawing(name: IconName): Drawing {
  let found = drawings.get(name);
  if (!found) {
    const source = SOURCES[name];
    found = {
      viewBox: /viewBox="([^"]+)"/.exec(source)?.[1] ?? '0 0 16 16',
      path: [...source.matchAll(/\sd="([^"]+)"/g)].map(([, path]) => path).join(''),
    };
    drawings.set(name, found);
  }
  return found;
}

/** Decoration: what it says must also be said in words beside it. */
export function Icon({ name, class: extra = '' }: { name: IconName; class?: string }) {
  const { viewBox, path } = drawing(name);
  return (
    <svg class={`icon ${extra}`} viewBox={viewBox} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

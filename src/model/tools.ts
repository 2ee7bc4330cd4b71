import type { Json, JsonObject } from './event.ts';
import type { StepKind } from './step.ts';

/** What a tool does, by the names that agents give their tools. */
export function toolKind(name: string): StepKind {
  const known = KINDS.get(name.toLowerCase());
  if (known) return known;
  if (/^(mcp__?|MCP:)/.test(name)) return 'mcp';
  return 'tool';
}

const KINDS = new Map<string, StepKind>();
const define = (kind: StepKind, names: string): void => {
  for (const name of names.split(' ')) KINDS.set(name, kind);
};
define('read', 'read notebookread read_file readfile view cat read_many_files view_image');
define('read', 'read_mcp_resource get_internal_docs');
define(
  'modify',
  'edit write multiedit notebookedit create str_replace str_replace_editor ' +
    'str_replace_based_edit_tool apply_patch write_file replace edit_file create_file delete patch ' +
    'replace_string_in_file insert_edit_into_file file_edit multi_replace_string_in_file ' +
    'edit_notebook_file edit_files strreplace search_replace editnotebook',
);
define('run', 'bash shell run_in_terminal exec_command local_shell run_shell_command powershell');
define('run', 'shell_command unified_exec write_stdin exec');
define('run', 'read_bash write_bash stop_bash read_powershell write_powershell stop_powershell');
define('run', 'run_task create_and_run_task runtests send_to_terminal get_terminal_output');
define('run', 'run_notebook_cell kill_terminal run_terminal_cmd monitor');
define('search', 'grep glob ls search list_directory list_dir file_search grep_search codebase');
define(
  'search',
  'search_file_content toolsearch tool_search list lsp rg semantic_search test_search',
);
define('search', 'search_workspace_symbols read_project_structure');
define('search', 'semanticsearch codebase_search glob_file_search');
define('web', 'webfetch websearch web_fetch web_search google_web_search fetch_webpage codesearch');
define('agent', 'agent task subagent runsubagent spawn_agent wait_agent send_input close_agent');
define('agent', 'invoke_agent codebase_investigator generalist cli_help');
define('agent', 'read_agent list_agents search_subagent explore_subagent execution_subagent');

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The path that a file tool was called with, in whichever key its agent puts it. */
export function pathArgument(args: JsonObject): string | undefined {
  return (
    text(args.file_path) ??
    text(args.filePath) ??
    text(args.path) ??
    text(args.notebook_path) ??
    text(args.absolute_path) ??
    text(args.uri)
  );
}

/** The shell command of a call; Codex sends an array. */
export function commandArgument(args: JsonObject): string | undefined {
  const command = args.command ?? args.cmd;
  if (Array.isArray(command)) return command.filter((part) => typeof part === 'string').join(' ');
  return text(command);
}

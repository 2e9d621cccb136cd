/** The sign of a tool: what kind of step it is, at a glance. The title says it in words. */

import FilePen from '@lucide/svelte/icons/file-pen';
import FileText from '@lucide/svelte/icons/file-text';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import ListTodo from '@lucide/svelte/icons/list-todo';
import MessageCircleQuestion from '@lucide/svelte/icons/message-circle-question-mark';
import Search from '@lucide/svelte/icons/search';
import Terminal from '@lucide/svelte/icons/terminal';
import Wrench from '@lucide/svelte/icons/wrench';

const ICONS: Record<string, typeof Search> = {
  grep: Search,
  find_files: Search,
  read_file: FileText,
  list_dir: FolderOpen,
  edit_file: FilePen,
  write_file: FilePen,
  apply_patch: FilePen,
  run_command: Terminal,
  update_plan: ListTodo,
  ask_user: MessageCircleQuestion,
};

export function iconOf(tool: string): typeof Search {
  return ICONS[tool] ?? Wrench;
}

/** What the parts of a policy are called: in the settings, beside the composer, wherever one is chosen. */

import type { ApproveMode } from '../protocol/ApproveMode';
import type { SandboxMode } from '../protocol/SandboxMode';
import type { WorkspaceKind } from '../protocol/WorkspaceKind';

export const APPROVE: Record<ApproveMode, string> = {
  ask: 'Ask first',
  auto: 'Auto',
  never: 'Never ask',
};

/** Where a task works: in the folder, or in a worktree of Kerf's own. */
export const WORKSPACE: Record<WorkspaceKind['type'], string> = {
  in_place: 'In place',
  worktree: 'In a worktree',
};

export const SANDBOX: Record<SandboxMode, string> = {
  'read-only': 'Read only',
  'workspace-write': 'Workspace',
  off: 'Sandbox off',
};

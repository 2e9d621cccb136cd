/** What the parts of a policy are called: in the settings, beside the composer, wherever one is chosen. */

import type { ApproveMode } from '../protocol/ApproveMode';
import type { SandboxMode } from '../protocol/SandboxMode';

export const APPROVE: Record<ApproveMode, string> = {
  ask: 'Ask first',
  auto: 'Auto',
  never: 'Never ask',
};

export const SANDBOX: Record<SandboxMode, string> = {
  'read-only': 'Read only',
  'workspace-write': 'Workspace',
  off: 'Sandbox off',
};

/** The tests of the built interface around the real engine. They run in node and drive a browser themselves. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    environment: 'node',
    // Each file has a browser, and each test an engine.
    maxWorkers: 2,
    // A browser under load now and then loses a press that a person would repeat.
    retry: 1,
    testTimeout: 60_000,
    hookTimeout: 30_000,
  },
});

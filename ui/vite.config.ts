import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: [
      // The diff library names every language of Shiki and many themes; `src/diff/no-shiki.ts` says why none is wanted.
      {
        find: /^(shiki(\/.*)?|@pierre\/highlights\/themes\/loader|@pierre\/theming\/themes)$/,
        replacement: fileURLToPath(new URL('src/diff/no-shiki.ts', import.meta.url)),
      },
    ],
  },
  // The window loads files of its own program only; a source map would be a second copy of the code in it.
  build: { target: 'safari16', sourcemap: false, assetsInlineLimit: 0 },
  worker: { format: 'es' },
  // Named here, so that the first run of the tests does not find them one by one and start over.
  optimizeDeps: {
    exclude: ['@lucide/svelte'],
    include: [
      'paneforge',
      'virtua/svelte',
      'axe-core',
      'vitest-browser-svelte',
      'marked',
      'remend',
      'dompurify',
    ],
  },
  server: { port: 5183 },
  test: {
    include: ['src/**/*.test.ts'],
    // Parts that come when they are needed come late on a busy machine.
    expect: { poll: { timeout: 5000 } },
    browser: {
      enabled: true,
      headless: true,
      provider: playwright({
        launchOptions: {
          executablePath: process.env.KERF_CHROMIUM ?? '/usr/bin/chromium',
          args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
        },
      }),
      instances: [{ browser: 'chromium', viewport: { width: 1280, height: 800 } }],
      screenshotFailures: false,
    },
  },
});

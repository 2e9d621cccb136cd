import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Who may import what: the library of each kind has one door. */
const only = (group, message) => ({ group, message });
const tauri = only(['@tauri-apps/*'], 'Only backend/ talks to the shell.');
const diffs = only(['@pierre/*'], 'Only diff/ knows the diff library.');
const markdown = only(['marked', 'remend', 'dompurify'], 'Only components/markdown/ renders Markdown.');
const features = only(['**/features/*/**', '../../features/**'], 'A feature never imports another one.');

export default ts.config(
  { ignores: ['dist/', 'src/protocol/', 'node_modules/'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-imports': ['error', { patterns: [tauri, diffs, markdown] }],
      'svelte/no-at-html-tags': 'error',
      // State is reactive where it is read; sets and maps beside it are plain on purpose.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['src/backend/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [diffs, markdown] }] },
  },
  { files: ['src/diff/**'], rules: { 'no-restricted-imports': ['error', { patterns: [tauri, markdown] }] } },
  {
    files: ['src/components/markdown/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [tauri, diffs] }] },
  },
  {
    files: ['src/features/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [tauri, diffs, markdown, features] }] },
  },
);

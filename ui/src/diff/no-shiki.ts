/**
 * Stands in for Shiki, which the diff library names beside its own highlighter (see `vite.config.ts`). Only the own one
 * is used, with a theme of ours; Shiki's languages, and the themes of both, would be some five hundred files of the program.
 */

function absent(): never {
  throw new Error('Shiki is not part of Kerf');
}

export const bundledLanguages = {};
export const bundledThemes = {};
export const INITIAL = null;
export const EncodedTokenMetadata = {};
export const createCssVariablesTheme = absent;
export const createHighlighterCore = absent;
export const createJavaScriptRegexEngine = absent;
export const createOnigurumaEngine = absent;
export default {};

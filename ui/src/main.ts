import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './app/App.svelte';
import { browserBackend } from './backend/browser';

/** In the window the shell is there; in a browser its library need not be loaded. */
const backend =
  '__TAURI_INTERNALS__' in window ? (await import('./backend/tauri')).tauriBackend() : browserBackend();

const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend } });
